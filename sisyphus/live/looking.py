"""Single steps, looked at by who watches: which, and what is answered."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from sisyphus.live.answer import JSON
from sisyphus.live.asking import TOKEN, BadRequest, parameters
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.live.head import Head
    from sisyphus.live.visit import Visit

MOST: Final = 100  # steps at once

_SEQ: Final = re.compile(r"[1-9][0-9]{0,15}")


async def tell_details(visit: Visit) -> None:
    """Answers with an object of steps by their `seq`, null for what is not kept.

    One step after the other, each on account: a hundred large ones at once would be as much memory, and the run would
    stand still while they are unpacked.
    """
    try:
        seqs = looked_at(visit.head)
    except BadRequest as bad:
        await visit.say(HTTPStatus.BAD_REQUEST, str(bad))
        return
    await visit.begin(JSON)
    if not visit.wants_body:
        return
    allowance, before = visit.show.allowance, "{"
    for seq in seqs:
        await allowance.wait()
        began = allowance.cpu_time()
        part = f'{before}"{seq}":{visit.show.details.get(seq) or "null"}'.encode()
        allowance.charge(allowance.cpu_time() - began)
        await visit.stream.send_all(part)
        before = ","
    await visit.stream.send_all(b"}\n")


def looked_at(head: Head) -> tuple[int, ...]:
    """The steps that are asked for, by the `seq` of their last event, in the order of the query, each once.

    Raises:
        BadRequest: a parameter is unknown or no `seq`, or there are none, or too many.
    """
    seqs: dict[int, None] = {}
    for name, value in parameters(head):
        if name == TOKEN:
            continue
        if name != "seq":
            hint = tr("known: {names}", names=f"seq, {TOKEN}")
            raise BadRequest(tr("There is no parameter '{name}' ({hint}).", name=name[:40], hint=hint))
        if not _SEQ.fullmatch(value):
            text = tr("{name} takes the seq of an event, a whole number, not '{value}'.", name=name, value=value[:40])
            raise BadRequest(text)
        seqs[int(value)] = None
    if not 0 < len(seqs) <= MOST:
        raise BadRequest(tr("Say which steps, 1 to {most}: /details?seq=5&seq=9.", most=MOST))
    return tuple(seqs)
