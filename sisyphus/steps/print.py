"""`print`: says something in the log, as the older hooks did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from sisyphus.case._shapes import require
from sisyphus.case.draft import spellings
from sisyphus.case.model import ABSENT, NOWHERE, StepSpec
from sisyphus.errors import Mark
from sisyphus.steps.fields import as_written
from sisyphus.steps.protocol import Outcome
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings
    from sisyphus.steps.protocol import StepContext


@frozen(kw_only=True, eq=False, repr=False)
class Print(StepSpec):
    """What a `print` step says: text, or any value as JSON."""

    message: Any = ABSENT
    where: Mark = NOWHERE


SPEC: Final = Print
KEYS: Final = spellings("message", text="message", content="message")
INNER: Final = ()
DEFAULT_LIMIT: Final = False
ANSWERS: Final = False


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a print whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    require(draft, "message", tr("a print step needs a message"), "message: ${token}", found)
    return draft


async def execute(spec: Print, context: StepContext) -> Outcome:
    """Sends the message as a `log` event of level `info`."""
    message = as_written(context.render(spec.message))
    await context.log("info", message)
    return Outcome(view={"output": message})
