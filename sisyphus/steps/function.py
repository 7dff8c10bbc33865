"""`function`: calls a function of templates, as the older hooks did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from sisyphus.case.draft import spellings
from sisyphus.case.model import NOWHERE, StepSpec
from sisyphus.errors import FieldError, Mark, nearest
from sisyphus.steps.protocol import Outcome
from sisyphus.values._calls import call_function
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings
    from sisyphus.steps.protocol import StepContext


@frozen(kw_only=True, eq=False, repr=False)
class Function(StepSpec):
    """Which function is called with what; without `function` the step's name is the function's."""

    function: str | None = None
    args: Any = None
    kwargs: Mapping[str, Any] = field(factory=dict)
    where: Mark = NOWHERE


SPEC: Final = Function
KEYS: Final = spellings("function", "args", "kwargs", func="function", function_name="function", params="args")
INNER: Final = ()
DEFAULT_LIMIT: Final = True
ANSWERS: Final = False


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a call whose keys are the model's already."""
    draft["where"] = Mark(*draft.place)
    return draft


async def execute(spec: Function, context: StepContext) -> Outcome:
    """Calls the function; `args` may be a list, a mapping of named ones, or one value."""
    name = str(context.render_whole(spec.function if spec.function is not None else context.step.name))
    function = context.names.get(name)
    if not callable(function):
        near = nearest(name, [known for known, value in context.names.items() if callable(value)])
        hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
        raise FieldError(tr("there is no function '{name}'", name=name) + hint)
    given = context.render(spec.args)
    named = dict(context.render(spec.kwargs)) | (dict(given) if isinstance(given, dict) else {})
    plain = given if isinstance(given, list) else [] if given is None or isinstance(given, dict) else [given]
    return Outcome(view={"result": call_function(name, function, plain, named)})
