"""Single steps, looked at by who watches: which, and what is answered."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from sisyphus.live.answer import JSON, Answer
from sisyphus.live.asking import TOKEN, BadRequest, parameters
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.details import Details
    from sisyphus.live.head import Head

MOST: Final = 100  # steps at once

_SEQ: Final = re.compile(r"[1-9][0-9]{0,15}")


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


def described(seqs: tuple[int, ...], details: Details) -> Answer:
    """What came of these steps; null for those that are not kept."""
    parts = (f'"{seq}":{details.get(seq) or "null"}' for seq in seqs)
    return Answer(status=HTTPStatus.OK, content=f"{{{','.join(parts)}}}\n".encode(), content_type=JSON)
