from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from sisyphus.errors import BodyError
from sisyphus.http.decoding import PIECE, Decoder

TEXT = b"The struggle itself toward the heights is enough to fill a man's heart. " * 50


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def undone(content_encoding: str, data: bytes, step: int = 100) -> tuple[bytes, Decoder]:
    decoder = Decoder(content_encoding)
    pieces = [piece for at in range(0, len(data), step) for piece in decoder.feed(data[at : at + step])]
    return b"".join(pieces), decoder


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate", gzip.compress(TEXT)),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT))),
        ("identity, gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:])),
        ("gzip", gzip.compress(TEXT) + b"\0\0\0"),
    ],
)
def test_what_was_encoded_comes_out_however_it_is_cut(name: str, data: bytes, step: int) -> None:
    text, decoder = undone(name, data, step)
    assert text == TEXT
    assert decoder.is_whole()


def test_layers_of_which_nothing_comes_out_can_be_given_up_all_the_same() -> None:
    hollow = gzip.compress(gzip.compress(b"") * 1000)
    assert list(Decoder("gzip, gzip").feed(hollow)) == [b""] * 1000


@pytest.mark.parametrize("step", [1, 100_000])
def test_what_follows_the_end_is_not_kept(step: int) -> None:
    decoder = Decoder("gzip")
    tracemalloc.start()
    try:
        list(decoder.feed(gzip.compress(TEXT)))
        for _ in range(100):
            list(decoder.feed(b"\0" * step))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    assert decoder.is_whole()


def test_nothing_is_whole() -> None:
    assert Decoder("gzip").is_whole()


def test_a_body_that_ends_too_early_is_not_whole() -> None:
    _, decoder = undone("gzip", gzip.compress(TEXT)[:-10])
    assert not decoder.is_whole()


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_what_is_not_encoded_so_is_an_error(name: str) -> None:
    with pytest.raises(BodyError, match=f"the body is not {name}, as its Content-Encoding says"):
        undone(name, b"\xff this is plain text")


def test_what_cannot_be_undone_is_left_as_it_is_and_named() -> None:
    decoder = Decoder("br, gzip")
    assert b"".join(decoder.feed(gzip.compress(b"brotli"))) == b"brotli"
    assert decoder.unknown == ["br"]
    assert Decoder("gzip, br").unknown == ["gzip", "br"]


@pytest.mark.parametrize(("name", "encode"), [("gzip", gzip.compress), ("deflate", raw_deflate)])
def test_a_small_body_cannot_become_a_huge_piece(name: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(b"\0" * 50_000_000)
    sizes = [len(piece) for piece in Decoder(name).feed(bomb)]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= PIECE


@pytest.mark.parametrize("step", [1, 100_000])
def test_output_that_is_pending_when_the_input_ends_is_not_lost(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sisyphus.http.decoding.PIECE", 100)
    assert len(undone("deflate", raw_deflate(b"\0" * 100_000), step)[0]) == 100_000
