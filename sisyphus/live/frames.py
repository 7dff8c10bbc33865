"""Messages as WebSocket text frames."""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sisyphus.journal import Pending

_FINAL_TEXT: Final = 0x81


# Events of a run have few lengths, and making a header anew costs more than anything else about a frame.
@lru_cache(maxsize=4096)
def text_header(length: int) -> bytes:
    """The bytes before a payload of `length` in an unmasked final text frame without extensions (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, 126, length)
    return struct.pack("!BBQ", _FINAL_TEXT, 127, length)


def text_frames(pending: Pending) -> bytes:
    """A frame for each event.

    A server's frames are unmasked and, without compression, the same for every client.
    """
    headers = map(text_header, map(len, pending.payloads))
    return b"".join(chain.from_iterable(zip(headers, pending.payloads, strict=True)))


def text_frame(message: bytes) -> bytes:
    """One message as one frame."""
    return text_header(len(message)) + message
