"""TLS: what the server shows, and who is not let in."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from sisyphus.errors import StartError
from sisyphus.journal import Journal
from sisyphus.live import LiveSettings, Serving, serve
from sisyphus.live.secure import load

CA = trustme.CA()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    certificate, other = CA.issue_cert("localhost"), CA.issue_cert("other.example")
    paths = {name: tmp_path / f"{name}.pem" for name in ("cert", "key", "both", "other", "text", "locked")}
    certificate.cert_chain_pems[0].write_to_path(paths["cert"])
    certificate.private_key_pem.write_to_path(paths["key"])
    certificate.private_key_and_cert_chain_pem.write_to_path(paths["both"])
    other.private_key_pem.write_to_path(paths["other"])
    paths["text"].write_text("no certificate", encoding="utf-8")
    paths["locked"].write_bytes(_locked(certificate.private_key_pem.bytes()))
    return paths


def _locked(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    loaded = load_pem_private_key(key, None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))


@pytest.fixture
async def serving(journal: Journal, files: dict[str, Path], nursery: trio.Nursery) -> AsyncIterator[Serving]:
    settings = LiveSettings(port=0, certificate=files["cert"], key=files["key"], drain=5)
    yield await nursery.start(serve, journal, settings)
    journal.close()


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


async def connect(serving: Serving) -> trio.SSLStream[trio.SocketStream]:
    stream = await trio.open_ssl_over_tcp_stream("localhost", serving.port, ssl_context=trusting())
    await stream.do_handshake()
    return stream


async def all_of(stream: trio.abc.Stream) -> bytes:
    got = b""
    async for data in stream:
        got += data
    return got


@pytest.mark.parametrize(("certificate", "key"), [("cert", "key"), ("both", None)])
def test_the_key_stands_in_a_file_of_its_own_or_with_the_certificate(
    files: dict[str, Path], certificate: str, key: str | None
) -> None:
    assert isinstance(load(files[certificate], None if key is None else files[key]), ssl.SSLContext)


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("cert", "other", "key and certificate do not belong together"),
        ("text", "key", "it has to hold a certificate and its key as PEM"),
        ("cert", None, "it has to hold a certificate and its key as PEM"),
        ("cert", "text", "it has to hold a certificate and its key as PEM"),
        ("cert", "locked", "protected by a passphrase"),
        ("missing", "key", "missing.pem: No such file or directory"),
        ("cert", "missing", "missing.pem: No such file or directory"),
    ],
)
def test_what_cannot_be_used_refuses_the_run_in_a_sentence(
    files: dict[str, Path], tmp_path: Path, certificate: str, key: str | None, said: str
) -> None:
    files["missing"] = tmp_path / "missing.pem"
    with pytest.raises(StartError) as refused:
        load(files[certificate], None if key is None else files[key])
    assert said in str(refused.value)


async def test_a_certificate_that_cannot_be_used_is_found_before_anything_listens(files: dict[str, Path]) -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(StartError, match="do not belong together"):
            await nursery.start(serve, Journal(), LiveSettings(port=0, certificate=files["cert"], key=files["other"]))


async def test_a_watcher_over_tls_gets_everything_and_the_end(
    journal: Journal, serving: Serving, client_of: Any, emit_to: Any
) -> None:
    assert serving.url == f"wss://localhost:{serving.port}"
    with trio.fail_after(10):
        emit_to(journal, 3)
        client = client_of(await connect(serving))
        await client.shake_hands("/", "sisyphus.v1")
        assert [await client.next() for _ in range(3)] == [1, 2, 3]
        emit_to(journal, 2000)
        journal.close()
        assert await client.all() == list(range(4, 2004))
        assert client.closed == (1000, "")
        await client.stream.aclose()


async def test_a_page_over_tls_names_the_right_addresses_and_ends_properly(serving: Serving) -> None:
    with trio.fail_after(10):
        async with await connect(serving) as stream:
            await stream.send_all(f"GET / HTTP/1.1\r\nHost: localhost:{serving.port}\r\n\r\n".encode())
            # The stream is not HTTPS-compatible: an end without TLS's own word for it would be an error.
            answer = (await all_of(stream)).decode()
    assert f"wss://localhost:{serving.port}/" in answer
    assert f"https://localhost:{serving.port}/events" in answer


async def test_who_does_not_speak_tls_is_told_to(serving: Serving) -> None:
    with trio.fail_after(10):
        async with await trio.open_tcp_stream("localhost", serving.port) as stream:
            await stream.send_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = await all_of(stream)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connect with https:// and wss://" in answer


async def test_who_does_not_trust_the_certificate_harms_nobody(
    journal: Journal, serving: Serving, client_of: Any, emit_to: Any
) -> None:
    with trio.fail_after(10):
        for _ in range(3):
            stranger = await trio.open_ssl_over_tcp_stream("localhost", serving.port)
            with pytest.raises(trio.BrokenResourceError):
                await stranger.do_handshake()
            await trio.aclose_forcefully(stranger)
        emit_to(journal, 1)
        client = client_of(await connect(serving))
        await client.shake_hands()
        journal.close()
        assert await client.all() == [1]
        await client.stream.aclose()


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00" + b"x" * 512, b"\x16" * 5000])
async def test_garbage_instead_of_a_handshake_harms_nobody(
    journal: Journal, serving: Serving, client_of: Any, said: bytes
) -> None:
    with trio.fail_after(10):
        async with await trio.open_tcp_stream("localhost", serving.port) as stream:
            if said:
                await stream.send_all(said)
            client = client_of(await connect(serving))
            await client.shake_hands()
            journal.close()
            assert await client.all() == []
            await client.stream.aclose()


async def test_an_old_version_of_tls_is_not_spoken(serving: Serving) -> None:
    context = trusting()
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    connect_old = partial(trio.open_ssl_over_tcp_stream, "localhost", serving.port, ssl_context=context)
    with trio.fail_after(10):
        stream = await connect_old()
        with pytest.raises((trio.BrokenResourceError, ssl.SSLError)):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)
