"""One request, and what there is to answer it with."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from attrs import field, frozen

from sisyphus.live.answer import Answer, Headers, opening, sentence
from sisyphus.live.head import Head
from sisyphus.live.show import Show
from sisyphus.live.stream import SharedStream


@frozen(kw_only=True)
class Visit:
    """One request that may be answered.

    Attributes:
        head: what it asks for.
        stream: where the answer goes.
        show: what is to be seen here.
        reader: the page of another origin that may read the answer, if one asks.
        secure: whether the connection is one of TLS.
        admitted: to be called when the visitor is a watcher, who may stay.
    """

    head: Head
    stream: SharedStream
    show: Show
    reader: str | None = None
    secure: bool = False
    admitted: Callable[[], None] = field(default=lambda: None)

    @property
    def host(self) -> str:
        """What the visitor calls this server, with the port."""
        return next(iter(self.head.values("host")), "localhost")

    @property
    def wants_body(self) -> bool:
        """Whether the answer has a body: that to HEAD has none."""
        return self.head.method != "HEAD"

    async def answer(self, answer: Answer) -> None:
        """Sends a whole answer."""
        await self.stream.send_all(answer.encode(body=self.wants_body, headers=self._for_reader()))

    async def say(self, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> None:
        """Sends an answer that says one thing to a person."""
        await self.answer(sentence(status, text, *headers))

    async def begin(self, content_type: str, *headers: tuple[str, str]) -> None:
        """Sends the head of an answer whose body follows bit by bit."""
        await self.stream.send_all(opening(HTTPStatus.OK, content_type, (*headers, *self._for_reader())))

    def _for_reader(self) -> Headers:
        if self.reader is None:
            return ()
        return (("Access-Control-Allow-Origin", self.reader), ("Vary", "Origin"))
