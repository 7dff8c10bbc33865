"""How each kind of watcher is spoken to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
from attrs import frozen

from sisyphus.journal import Pending
from sisyphus.live.frames import text_frame, text_frames


@frozen(kw_only=True)
class Manner:
    """The bytes that watchers of one kind get.

    Attributes:
        begin: what comes before the first.
        events: events on their way.
        word: a message of the server's own, by its type; None for watchers who know the eight event types only.
        alive: what a quiet connection is sent now and then; nothing where something else shows that it is alive.
        end: what follows the last.
    """

    begin: bytes = b""
    events: Callable[[Pending], bytes]
    word: Callable[[str, bytes], bytes] | None = None
    alive: bytes = b""
    end: bytes = b""


def server_sent(pending: Pending) -> bytes:
    """Events as Server-Sent Events: without a name, so that a browser's `onmessage` gets them, and with `seq` as id."""
    pairs = zip(pending.seqs, pending.payloads, strict=True)
    return b"".join(b"id: %d\ndata: %b\n\n" % pair for pair in pairs)


def server_sent_word(kind: str, message: bytes) -> bytes:
    """A message of the server's own: named, so that only who listens for it gets it, and without an id."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), message)


def lines(pending: Pending) -> bytes:
    """Events as lines of JSON."""
    return b"".join(b"%b\n" % payload for payload in pending.payloads)


def chunk(data: bytes) -> bytes:
    """A part of an HTTP/1.1 body of unknown length (RFC 9112, 7.1); the empty part would be its end."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _in_chunks(manner: Manner) -> Manner:
    word = manner.word
    return attrs.evolve(
        manner,
        begin=chunk(manner.begin),
        events=lambda pending: chunk(manner.events(pending)),
        word=None if word is None else lambda kind, message: chunk(word(kind, message)),
        alive=chunk(manner.alive),
        end=b"0\r\n\r\n",
    )


# Watchers over WebSocket, without and with the subprotocol; pings, which trio-websocket sends, show that they are alive.
PLAIN: Final = Manner(events=text_frames)
SUBPROTOCOL: Final = Manner(events=text_frames, word=lambda _kind, message: text_frame(message))

# Watchers over HTTP: 1.0 knows no chunks, its bodies end with the connection.
SERVER_SENT: Final = Manner(begin=b"retry: 1000\n\n", events=server_sent, word=server_sent_word, alive=b":\n\n")
LINES: Final = Manner(events=lines)
SERVER_SENT_IN_CHUNKS: Final = _in_chunks(SERVER_SENT)
LINES_IN_CHUNKS: Final = _in_chunks(LINES)
