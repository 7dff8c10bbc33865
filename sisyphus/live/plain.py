"""What is at which path, for requests that do not ask for a WebSocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from sisyphus.live.answer import HTML, Answer, document
from sisyphus.live.following import follow
from sisyphus.live.handshake import wants_websocket
from sisyphus.live.looking import tell_details
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.live.head import Head
    from sisyphus.live.visit import Visit

Page = Callable[["Visit"], Awaitable[None]]


async def answer_plain(visit: Visit) -> None:
    """Answers a request by the table of `PAGES`."""
    head = visit.head
    page = PAGES.get(head.path)
    if page is None:
        await visit.say(
            HTTPStatus.NOT_FOUND,
            tr("There is nothing at {path}, only at {known}.", path=head.path[:200], known=" ".join(PAGES)),
        )
    elif head.method not in {"GET", "HEAD"}:
        await visit.say(
            HTTPStatus.METHOD_NOT_ALLOWED,
            tr("A run can only be looked at: GET or HEAD, not {method}.", method=head.method[:40]),
            ("Allow", "GET, HEAD"),
        )
    elif head.has_body:
        await visit.say(HTTPStatus.BAD_REQUEST, tr("A request has no body here."))
    else:
        await page(visit)


async def _front(visit: Visit) -> None:
    """The page, for who shows pages; anything else that comes here is most likely a client that does not upgrade."""
    if not _shows_pages(visit.head):
        await _stream_here(visit)
        return
    from sisyphus.page import live_page

    page = live_page(visit.host)
    policy = ("Content-Security-Policy", page.policy)
    await visit.answer(Answer(status=HTTPStatus.OK, content=page.content, content_type=HTML, headers=(policy,)))


def is_front(head: Head) -> bool:
    """Whether it is the page that is asked for: there is nothing of a run in it, and it asks for the token itself."""
    return head.path == "/" and not wants_websocket(head) and _shows_pages(head)


def _shows_pages(head: Head) -> bool:
    return any(offer.partition(";")[0].rstrip() == "text/html" for offer in head.tokens("accept"))


async def _stream_here(visit: Visit) -> None:
    s = "s" if visit.secure else ""
    await visit.say(
        HTTPStatus.UPGRADE_REQUIRED,
        tr(
            "This is a WebSocket stream; connect with a WebSocket client to {websocket} to watch the run, or read {http}.",
            websocket=f"ws{s}://{visit.host}/",
            http=f"http{s}://{visit.host}/events",
        ),
        ("Upgrade", "websocket"),
    )


async def _health(visit: Visit) -> None:
    show = visit.show
    kept = {"first_seq": show.first_seq, "last_seq": show.journal.last_seq}
    await visit.answer(document({"status": "ok", **show.run.as_json(), **kept, "watchers": show.pulse.watchers}))


async def _description(visit: Visit) -> None:
    from sisyphus.live.asyncapi import description

    await visit.answer(document(description(visit.host, secure=visit.secure)))


PAGES: Final[Mapping[str, Page]] = {
    "/": _front,
    "/events": follow,
    "/details": tell_details,
    "/healthz": _health,
    "/asyncapi.json": _description,
}
