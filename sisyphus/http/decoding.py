"""Content encodings undone, piece by piece, so that a small body cannot become a huge one in memory."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from sisyphus.errors import BodyError
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

# What is asked for, so that every answer can be read whatever else is installed.
ACCEPTED: Final = "gzip, deflate"

PIECE: Final = 256 * 1024

_AUTO: Final = 32 + zlib.MAX_WBITS  # gzip or zlib, as the data says
_RAW: Final = -zlib.MAX_WBITS
_GZIP_BEGINS: Final = b"\x1f\x8b"


class Decoder:
    """Undoes the encodings that a Content-Encoding header lists.

    Attributes:
        unknown: those that cannot be undone; what they encode, and all under it, is left as it is.
    """

    def __init__(self, content_encoding: str) -> None:
        listed = [
            name for part in content_encoding.split(",") if (name := part.strip().lower()) not in {"", "identity"}
        ]
        self._inflaters: Final[list[_Inflater]] = []
        while listed and listed[-1] in {"gzip", "x-gzip", "deflate"}:  # the last one was applied last
            self._inflaters.append(_Inflater(listed.pop()))
        self.unknown: Final = listed

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decodes what came next, in pieces of at most `PIECE` bytes, some of them empty.

        Raises:
            BodyError: it is not encoded as the header says.
        """
        return self._through(data, 0)

    def is_whole(self) -> bool:
        """Whether the data has ended where its encoding ends; nothing at all is whole too."""
        return all(inflater.is_whole() for inflater in self._inflaters)

    def _through(self, data: bytes, index: int) -> Iterator[bytes]:
        if index == len(self._inflaters):
            yield data
            return
        for piece in self._inflaters[index].feed(data):
            yield from self._through(piece, index + 1)


class _Inflater:
    def __init__(self, name: str) -> None:
        self._name: Final = name
        self._inflate = zlib.decompressobj(_AUTO)
        self._seen: bytes | None = b""  # what came before the first output: it may have to be read in another way
        self._over = False  # what comes now is no part of it

    def is_whole(self) -> bool:
        return self._inflate.eof or self._seen == b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._seen is not None:
            data = self._begin(data)
        while not self._over:
            piece = self._decompress(data)
            # An empty one too: a bomb may have layers of which nothing comes out, and each piece is a chance to stop.
            yield piece
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                data = self._inflate.unused_data
                if not data.startswith(_GZIP_BEGINS):  # else gzip files are chained
                    self._over = not _GZIP_BEGINS.startswith(data)
                    return
                self._inflate = zlib.decompressobj(_AUTO)
            elif not data and len(piece) < PIECE:
                return

    def _begin(self, data: bytes) -> bytes:
        """Decides by the first two bytes: `deflate` without zlib's header is wrong (RFC 9110 section 8.4.1.2) but common."""
        self._seen = (self._seen or b"") + data
        if len(self._seen) < 2:
            return b""
        data, self._seen = self._seen, None
        is_zlib = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        if self._name == "deflate" and not is_zlib and not data.startswith(_GZIP_BEGINS):
            self._inflate = zlib.decompressobj(_RAW)
        return data

    def _decompress(self, data: bytes) -> bytes:
        try:
            return self._inflate.decompress(data, PIECE)
        except zlib.error as exc:
            raise BodyError(
                tr(
                    "the body is not {encoding}, as its Content-Encoding says: {reason}",
                    encoding=self._name,
                    reason=exc,
                ),
                suggestion=tr("For a body that is not compressed, send the header Accept-Encoding: identity."),
            ) from exc
