"""A request that is answered by its step's own `mock`, without any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import trio

from sisyphus.canned.asked import Asked
from sisyphus.canned.reply import reply_of
from sisyphus.errors import BrokenResponse, FieldError
from sisyphus.http.session import Made
from sisyphus.values.template import condition_holds
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sisyphus.canned.reply import Reply
    from sisyphus.case.model import StepMock
    from sisyphus.http.response import Sent
    from sisyphus.steps.protocol import StepContext


def answering(mock: StepMock, context: StepContext) -> Callable[[Sent, bytes], Awaitable[Made]]:
    """What answers a request as the mock of its step says.

    What it returns raises `StepError` where nothing can be answered, or where a connection breaks on purpose; it waits for
    ever where a server would not answer, until it is cancelled.
    """

    async def answer(sent: Sent, content: bytes) -> Made:
        reply = _reply(mock, _asked(sent, content), context)
        await trio.sleep(reply.delay)
        if reply.ending == "never":
            await trio.sleep_forever()
        if reply.ending == "close":
            raise BrokenResponse(
                tr("the connection was closed without an answer, as the step's mock says"),
                suggestion=tr("Take failure out of the step's mock, if it should answer."),
            )
        if reply.file is not None:
            reply = await _filled(reply, reply.file, context)
        return Made(status_code=reply.status_code, headers=reply.wire_headers(), content=reply.content)

    return answer


def _reply(mock: StepMock, asked: Asked, context: StepContext) -> Reply:
    names: Mapping[str, Any] = {**context.names, "request": asked.view(), "path_params": {}}
    for choice in mock.choices:
        if choice.condition is None or condition_holds(choice.condition, names):
            return reply_of(context.turns.next_of(choice.responses), names, context.turns.lot)
    raise FieldError(
        tr("no condition of the step's mock holds"),
        suggestion=tr(
            "Add a response for everything else beside its conditions: nothing is sent as long as it is enabled."
        ),
    )


def _asked(sent: Sent, content: bytes) -> Asked:
    parts = urlsplit(sent.url)
    query = parse_qs(parts.query, keep_blank_values=True)
    return Asked(
        method=sent.method,
        path=unquote(parts.path),
        url=sent.url,
        query={name: values[0] if len(values) == 1 else values for name, values in query.items()},
        headers=sent.headers,
        body=content.decode("utf-8", "replace"),
    )


async def _filled(reply: Reply, file: str, context: StepContext) -> Reply:
    path = context.resolve_file(file)
    try:
        content = await trio.Path(path).read_bytes()
    except OSError as exc:
        raise FieldError(tr("cannot read {path}: {reason}", path=file, reason=exc.strerror or exc)) from exc
    return reply.filled(content, path.name)
