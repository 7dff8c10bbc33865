"""The older `loop:`, `parallel:` and `data_provider:` on any step, as a step around it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._data import provider
from sisyphus.case._shapes import as_map, example
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.case.yaml import Map, Seq
from sisyphus.errors import Mark
from sisyphus.steps import STEP_TYPES
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from sisyphus.case.draft import Findings, Place

WRAPPERS: Final = ("parallel", "loop", "data_provider")
"""The keys, the innermost first where a step has several."""

_OUTER: Final = frozenset(
    {"name", "id", "description", "tags", "enabled", "skip_if", "only_if", "depends_on", "on_failure", "setup", "teardown"}
)  # fmt: skip

_PARALLEL: Final = spellings(
    "threads", "iterations", "ramp_up", "think_time",
    thread_count="threads", users="threads", loops="iterations", ramp_up_time="ramp_up",
)  # fmt: skip

_TEMPLATE: Final = re.compile(r"\$\{.*?\}|\{\{.*?\}\}|\{%.*?%\}")
_WORD: Final = re.compile(r"\w+")


def loop_keys() -> Mapping[str, str]:
    """What may stand under ``loop:``, where the keys need not say again that they are a loop's."""
    return dict(STEP_TYPES["loop"].KEYS) | {
        "type": "loop_type", "times": "loop_count", "count": "loop_count", "condition": "loop_condition",
        "variable": "loop_variable",
    }  # fmt: skip


def holds_steps(value: Any) -> bool:
    """Whether ``loop:`` has steps of its own, so that it is no wrapper but the step itself."""
    return isinstance(value, Map) and not {"steps", "loop_steps"}.isdisjoint(value)


def wrapped(step: Draft, wrappers: Draft, found: Findings) -> Draft:
    """The finished draft of a step inside those that its wrappers make; the step itself if it has none.

    Outside stand the name, `id`, conditions, `depends_on`, `on_failure`, setup and teardown; the rest stays with the step
    that is repeated: what it does, its variables, timeout, retries, validations and extractors. Of a load the validations
    about `$.performance`, the retries and the extractors stand outside.
    """
    for key in WRAPPERS:
        if wrappers.get(key) is not None and "spec" in step:
            make = {"parallel": _load, "loop": _loop, "data_provider": _rows}[key]
            step = make(step, wrappers[key], wrappers.place_of(key), found)
    return step


def _around(step: Draft, type_: str, spec: Draft, inner: str, *, besides: Container[str] = ()) -> Draft:
    outer = step.part({key for key in step if key in _OUTER or key in besides})
    if "name" in outer:
        step.put("name", outer["name"], outer.place_of("name"))
    spec["type"] = type_
    spec[inner] = [step]
    outer["type"], outer["spec"], outer["where"] = type_, spec, Mark(*step.place)
    return outer


def _loop(step: Draft, value: Any, place: Place, found: Findings) -> Draft:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        spec = Draft(place)
        spec.put("loop_count", value, place)
        spec.respell("loop_count", "loop")
    else:
        source = as_map(value, place, "loop", found, "loop: {times: 3}")
        if source is None:
            return step
        spec = take(source, loop_keys(), tr("a loop"), found)
    if "loop_steps" in spec:
        message = tr("a loop around a step repeats that step, and cannot have steps of its own")
        found.wrong(spec.place_of("loop_steps"), message, tr("put them in a step of type loop"))
    outer = _around(step, "loop", spec, "loop_steps")
    STEP_TYPES["loop"].finish(spec, found)
    _shorten_name(outer, [str(spec.get(key, usual)) for key, usual in _LOOP_NAMES.items()])
    return outer


_LOOP_NAMES: Final = {"loop_variable": "index", "item_variable": "item"}


def _rows(step: Draft, value: Any, place: Place, found: Findings) -> Draft:
    if not isinstance(value, Seq | dict | str):
        message = tr("the rows must be a list of mappings")
        found.wrong(place, message, example("data_provider: [{user: ann}, {user: bob}]"))
        return step
    spec = Draft(place)
    spec.put("items", provider(value, found) if isinstance(value, Map) else value, place)
    spec.update(loop_type="for", rows=True)
    outer = _around(step, "loop", spec, "loop_steps")
    STEP_TYPES["loop"].finish(spec, found)
    _shorten_name(outer, None)
    return outer


def _load(step: Draft, value: Any, place: Place, found: Findings) -> Draft:
    source = as_map(value, place, "parallel", found, "parallel: {threads: 10, iterations: 100}")
    if source is None:
        return step
    spec = take(source, _PARALLEL, "parallel", found)
    if step["type"] != "request":
        message = tr("a load is made of requests, and this is a step of type {type}", type=step["type"])
        found.wrong(place, message, tr("put several steps in one of type concurrent"))
        return step
    checks = step.pop("checks", [])
    about_all = [check for check in checks if _names_performance(check)]
    step["checks"] = [check for check in checks if not _names_performance(check)]
    outer = _around(step, "load", spec, "load_steps", besides={"retry", "extractors"})
    outer["checks"] = about_all
    spec["tolerant"] = any(_names_failures(check) for check in about_all)
    STEP_TYPES["load"].finish(spec, found)
    _shorten_name(outer, ["index", "thread", "iteration"])
    return outer


def _names_performance(check: Draft) -> bool:
    return any(path[:1] == ["performance"] for path in _paths(check))


def _names_failures(check: Draft) -> bool:
    return any(path[:2] in (["performance", "failures"], ["performance", "error_rate"]) for path in _paths(check))


def _paths(check: Draft) -> Iterable[list[str]]:
    """The words of each path of a validation and of those in it."""
    path = check.get("path")
    if isinstance(path, str):
        yield _WORD.findall(path)
    inner = check.get("checks")
    for part in inner if isinstance(inner, list) else ():
        if isinstance(part, Draft):
            yield from _paths(part)


def _shorten_name(outer: Draft, names: Iterable[str] | None) -> None:
    """Leaves out of the name what only the rounds know: templates with one of `names` in them, or all of them."""
    name = outer.get("name")
    if not isinstance(name, str):
        return
    unknown = None if names is None else set(names)

    def shortened(found: re.Match[str]) -> str:
        return "…" if unknown is None or not unknown.isdisjoint(_WORD.findall(found[0])) else found[0]

    outer.put("name", _TEMPLATE.sub(shortened, name), outer.place_of("name"))
