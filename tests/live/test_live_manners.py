from __future__ import annotations

import pytest
from wsproto.frame_protocol import FrameProtocol

from sisyphus.journal import Pending
from sisyphus.live.frames import text_header
from sisyphus.live.manners import (
    LINES,
    LINES_IN_CHUNKS,
    PLAIN,
    SERVER_SENT,
    SERVER_SENT_IN_CHUNKS,
    SUBPROTOCOL,
    Manner,
    chunk,
)

TWO = Pending((b'{"a":1}', '{"b":"二"}'.encode()), 9, (7, 9))
NONE = Pending((), 9, ())
ALL = [PLAIN, SUBPROTOCOL, SERVER_SENT, SERVER_SENT_IN_CHUNKS, LINES, LINES_IN_CHUNKS]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_frame_is_what_wsproto_would_make_of_it(length: int) -> None:
    text = "x" * length
    assert text_header(length) + text.encode() == FrameProtocol(client=False, extensions=[]).send_data(text)


def test_over_http_an_event_has_its_seq_as_id_and_no_name() -> None:
    assert SERVER_SENT.events(TWO).decode() == 'id: 7\ndata: {"a":1}\n\nid: 9\ndata: {"b":"二"}\n\n'


def test_over_http_a_word_of_the_server_has_a_name_and_no_id() -> None:
    assert SERVER_SENT.word is not None
    assert SERVER_SENT.word("lag", b'{"behind":3}') == b'event: lag\ndata: {"behind":3}\n\n'


def test_a_sign_of_life_is_a_comment() -> None:
    assert SERVER_SENT.alive.startswith(b":")


def test_lines_are_the_events_and_nothing_else() -> None:
    assert LINES.events(TWO).decode() == '{"a":1}\n{"b":"二"}\n'
    assert (LINES.begin, LINES.word, LINES.alive) == (b"", None, b"")


def test_a_chunk_says_its_length_in_hexadecimal() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


@pytest.mark.parametrize(("chunked", "whole"), [(SERVER_SENT_IN_CHUNKS, SERVER_SENT), (LINES_IN_CHUNKS, LINES)])
def test_in_chunks_everything_is_said_that_is_said_without(chunked: Manner, whole: Manner) -> None:
    assert chunked.events(TWO) == chunk(whole.events(TWO))
    assert (chunked.begin, chunked.alive) == (chunk(whole.begin), chunk(whole.alive))
    assert chunked.end == b"0\r\n\r\n"
    assert (chunked.word is None) is (whole.word is None)


@pytest.mark.parametrize("manner", ALL)
def test_nothing_to_say_is_not_a_byte(manner: Manner) -> None:
    """An empty chunk would end the body."""
    assert manner.events(NONE) == b""


def test_over_websocket_only_the_subprotocol_has_words_of_the_server() -> None:
    assert PLAIN.word is None
    assert SUBPROTOCOL.word is not None
    assert SUBPROTOCOL.word("lag", b"{}") == b"\x81\x02{}"
