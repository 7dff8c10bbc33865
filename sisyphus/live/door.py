"""Where each connection says what it wants, and gets it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import trio

from sisyphus.live.allowance import VISIT
from sisyphus.live.answer import Answer, sentence
from sisyphus.live.asking import BadRequest, wish_of
from sisyphus.live.beginning import cannot_begin
from sisyphus.live.handshake import refusal, speaks_subprotocol, wants_websocket
from sisyphus.live.head import BadHead, read_head
from sisyphus.live.lobby import Lobby
from sisyphus.live.plain import answer_plain, is_front
from sisyphus.live.secure import NotSecured, secured
from sisyphus.live.stream import SharedStream, has_left
from sisyphus.live.visit import Visit
from sisyphus.live.watcher import watch
from sisyphus.words import tr

if TYPE_CHECKING:
    import ssl

    from sisyphus.live.access import Access
    from sisyphus.live.lobby import Guest
    from sisyphus.live.show import Show


class Door:
    """The way into one server.

    Args:
        show: what is to be seen behind it.
        access: who may come in.
        tls: the server's side of TLS, if it speaks that.
    """

    def __init__(self, show: Show, access: Access, tls: ssl.SSLContext | None = None) -> None:
        self._show = show
        self._access = access
        self._tls = tls
        self._lobby = Lobby()

    async def receive(self, transport: trio.abc.Stream) -> None:
        """Serves one connection to its end, and closes it."""
        async with transport:
            # Gone in the middle of something: its own affair.
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError), self._lobby.guest() as guest:
                if await self._lobby.queue(guest, self._show.allowance) and has_left(transport):
                    return
                self._show.allowance.charge(VISIT)
                if self._tls is None:
                    await self._serve(transport, guest)
                else:
                    await self._serve_secured(transport, self._tls, guest)

    def last_call(self) -> None:
        """The house closes: who has not yet said what it wants must do so now."""
        self._lobby.last_call()

    async def _serve_secured(self, transport: trio.abc.Stream, tls: ssl.SSLContext, guest: Guest) -> None:
        try:
            channel = await secured(transport, tls)
        except NotSecured as plain:
            guest.is_heard()
            text = tr("This server speaks TLS: connect with https:// and wss://.")
            await _refuse(plain.stream, sentence(HTTPStatus.BAD_REQUEST, text))
        else:
            await self._serve(channel, guest)

    async def _serve(self, channel: trio.abc.Stream, guest: Guest) -> None:
        try:
            head = await read_head(channel)
        except BadHead as bad:
            guest.is_heard()
            await _refuse(SharedStream(channel), sentence(bad.status, str(bad)))
            return
        if head is not None:
            guest.is_heard()
            visit = Visit(
                head=head, stream=SharedStream(channel, head.received), show=self._show,
                reader=self._access.reader(head), secure=self._tls is not None,
                admitted=partial(self._lobby.goes_in, guest),
            )  # fmt: skip
            await self._answer(visit)
            await visit.stream.take_leave()

    async def _answer(self, visit: Visit) -> None:
        refused = self._access.refusal(visit.head)
        if refused and not (refused.status == HTTPStatus.UNAUTHORIZED and is_front(visit.head)):
            # Not even the sentence is for a page that may not read it.
            await visit.stream.send_all(refused.encode(body=visit.wants_body))
        elif wants_websocket(visit.head):
            await _open_websocket(visit)
        else:
            await answer_plain(visit)


async def _open_websocket(visit: Visit) -> None:
    if refused := refusal(visit.head):
        await visit.answer(refused)
        return
    try:
        wish = wish_of(visit.head, over_http=False)
    except BadRequest as bad:
        await visit.say(HTTPStatus.BAD_REQUEST, str(bad))
        return
    is_told = speaks_subprotocol(visit.head)
    if refused := cannot_begin(wish, floor=visit.show.floor, newest=visit.show.newest, is_told=is_told):
        await visit.answer(refused)
    else:
        await watch(visit.stream, visit.show, wish, subprotocol=is_told, admitted=visit.admitted)


async def _refuse(stream: SharedStream, answer: Answer) -> None:
    await stream.send_all(answer.encode())
    await stream.take_leave()
