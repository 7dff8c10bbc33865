"""What a plain HTTP request is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from attrs import frozen

from sisyphus.words import tr

if TYPE_CHECKING:
    import trio

    from sisyphus.journal import Journal
    from sisyphus.live.head import Head


@frozen(kw_only=True)
class Answer:
    """A whole response whose body is a sentence; the connection ends with it."""

    status: HTTPStatus
    sentence: str
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self, *, body: bool = True) -> bytes:
        """The response as bytes, for a HEAD request without its body."""
        content = f"{self.sentence}\n".encode()
        lines = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(content)}",
            "X-Content-Type-Options: nosniff",
            "Cache-Control: no-store",
            *(f"{name}: {value}" for name, value in self.headers),
            "Connection: close",
        )
        return "\r\n".join((*lines, "", "")).encode("latin-1") + (content if body else b"")


Page = Callable[["Head", "trio.abc.SendStream", "Journal"], Awaitable[None]]


async def answer_plain(head: Head, stream: trio.abc.SendStream, journal: Journal) -> None:
    """Answers a request that does not ask for a WebSocket, by the table of `PAGES`."""
    page = PAGES.get(head.path, _nothing_here)
    await page(head, stream, journal)


async def _stream_here(head: Head, stream: trio.abc.SendStream, _journal: Journal) -> None:
    address = next(iter(head.values("host")), "HOST:PORT")
    answer = Answer(
        status=HTTPStatus.UPGRADE_REQUIRED,
        sentence=tr(
            "This is a WebSocket stream; connect with a WebSocket client to ws://{address}/ to watch the run.",
            address=address,
        ),
        headers=(("Upgrade", "websocket"),),
    )
    await stream.send_all(answer.encode(body=head.method != "HEAD"))


async def _nothing_here(head: Head, stream: trio.abc.SendStream, _journal: Journal) -> None:
    answer = Answer(
        status=HTTPStatus.NOT_FOUND,
        sentence=tr("There is nothing at {path}; the run's events are at /.", path=head.path),
    )
    await stream.send_all(answer.encode(body=head.method != "HEAD"))


PAGES: Final[Mapping[str, Page]] = {"/": _stream_here}
