"""Variables that refer to each other in a circle, and so can never have a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sisyphus.errors import TemplateError
from sisyphus.values.functions import build_functions
from sisyphus.values.template import compile_template
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.case.draft import Findings, Place

# What a variable of the same name may well use: `uuid: "${uuid()}"` is no circle.
_BUILT_IN: Final = frozenset({"config", "env", "profile", "response", "steps", "mock_url"})


def check_circles(variables: Mapping[str, Any], place: Place, written: Any, found: Findings) -> None:
    """Notes the first circle among the variables of a case.

    Args:
        variables: all of them, merged.
        place: where they stand as a whole.
        written: the mapping of the case file, which knows where each of its own stands.
        found: where the problem goes.
    """
    uses = {
        name: [other for other in _names_in(value) if other in variables and not (other == name and _is_built_in(name))]
        for name, value in variables.items()
    }
    circle = _circle(uses)
    if circle is None:
        return
    marks = getattr(written, "marks", {})
    at = next((marks[name] for name in circle if name in marks), None)
    where = (written.file, at[0], at[1]) if at is not None else place
    found.wrong(where, tr("variables refer to each other in a circle: {cycle}", cycle=" → ".join(circle)))


def _is_built_in(name: str) -> bool:
    return name in _BUILT_IN or name in build_functions()


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{" in value:
            try:
                yield from sorted(compile_template(value).names)
            except TemplateError:
                return  # told already, where it stands
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _names_in(key)
            yield from _names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names_in(inner)


def _circle(uses: Mapping[str, list[str]]) -> list[str] | None:
    """A way from a name back to itself, the name at both ends; without recursion, for chains of any length."""
    done: set[str] = set()
    for start in uses:
        path: list[str] = []
        stack: list[Iterator[str]] = [iter([start])]
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                stack.append(iter(uses[name]))
    return None
