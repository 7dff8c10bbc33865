"""Paths into a response: JSONPath (RFC 9535) with the dialect of existing case files in front of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

from attrs import frozen

from sisyphus.case.model import ABSENT
from sisyphus.comparable import Comparable
from sisyphus.errors import QueryError, nearest
from sisyphus.values._path import Call, Numeral, Path, Step, normalised, parse_path
from sisyphus.values._patience import Patience
from sisyphus.values._text import shorten, type_name
from sisyphus.words import tr

# Matches of one path: more are a runaway `$..*..*`, not a question about a response.
MAX_MATCHES: Final = 100_000

_REMEMBERED: Final = 4096
_KEYS_SHOWN: Final = 10
_HEADERS: Final = "$.headers"


@frozen(eq=False, repr=False)
class Found(Comparable):
    """What a path led to.

    Attributes:
        values: the matches in order; none means that there is nothing there.
        is_function: whether a function made the one value there is.
        many: whether the path can select several values, however many it did.
        broke_at: if there is nothing: where the path broke off, and what was there instead.
    """

    values: tuple[Any, ...]
    is_function: bool = False
    many: bool = False
    broke_at: str | None = None

    @property
    def found(self) -> bool:
        """Whether anything is there."""
        return bool(self.values)

    @property
    def first(self) -> Any:
        """The first match, `ABSENT` if there is none."""
        return self.values[0] if self.values else ABSENT


class Query:
    """A compiled path; `compile_query` makes it."""

    __slots__ = ("_library", "_path", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._path: Final[Path] = parse_path(text)
        # By the number of steps that lead from the response to where the library begins; made now for its errors.
        self._library: Final[dict[int, Any]] = {}
        if self._path.rest:
            self._compiled(0)

    def __repr__(self) -> str:
        return f"<Query {self.text!r}>"

    def find(self, view: Mapping[str, Any]) -> Found:
        """Looks into a response.

        Args:
            view: the response as the contract lists it (`status_code`, `headers`, `body`, …), or the result of
                another type of step (`rows`, …).

        Raises:
            QueryError: a function cannot be applied to what is there, or there is too much of it.
        """
        with Patience(QueryError):
            return self._find(view)

    def _find(self, view: Mapping[str, Any]) -> Found:
        path = self._path
        root, taken, where = _root(view, path.steps)
        steps = path.steps[taken:]
        value, broken = _follow(root, steps)
        if broken == 0 and where == _HEADERS and (key := _like(steps[0], value)) is not None:
            steps = (key, *steps[1:])
            value, broken = _follow(root, steps)
        if broken is not None:
            if self._is_length(value, steps[broken:]):
                return self._called((len(value),), is_function=True)
            return self._nothing(_explain(value, where, steps, broken))
        if not path.rest:
            return self._called((value,))
        matches = self._matches(root, taken)
        if matches or (path.many and path.calls):
            return self._called(matches)
        return self._nothing(tr("nothing matches {path}", path=shorten(path.text)))

    def _is_length(self, parent: Any, missing: tuple[Step, ...]) -> bool:
        # `$.items.length`, as JavaScript has it, where there is no such key.
        if self._path.rest or len(missing) != 1 or missing[0] not in {"length", "size"}:
            return False
        return isinstance(parent, (list, tuple, str, Mapping))

    def _matches(self, root: Any, taken: int) -> tuple[Any, ...]:
        if not isinstance(root, (Mapping, list, tuple)):  # the library would parse text as JSON
            return ()
        from sisyphus.values._jsonpath import find_all

        return find_all(self._compiled(taken), root, MAX_MATCHES)

    def _compiled(self, taken: int) -> Any:
        compiled = self._library.get(taken)
        if compiled is None:
            from sisyphus.values._jsonpath import compile_path

            prefix = "".join(map(normalised, self._path.steps[taken:]))
            compiled = self._library[taken] = compile_path(f"${prefix}{self._path.rest}", self.text)
        return compiled

    def _called(self, matches: tuple[Any, ...], *, is_function: bool = False) -> Found:
        calls = self._path.calls
        if not calls:
            return Found(matches, is_function, bool(self._path.rest))
        if len(matches) > 1 or (self._path.many and calls[0].function.of_list):
            value: Any = list(matches)
        else:
            value = matches[0] if matches else ABSENT
        explanation = tr("{path} has nothing to choose from", path=shorten(self.text))
        return self._result(_call(calls, value), explanation)

    def _nothing(self, explanation: str) -> Found:
        if not self._path.calls:
            return Found((), many=bool(self._path.rest), broke_at=explanation)
        return self._result(_call(self._path.calls, ABSENT), explanation)

    def _result(self, value: Any, explanation: str) -> Found:
        if value is ABSENT:
            return Found((), is_function=True, broke_at=explanation)
        return Found((value,), is_function=True)


@lru_cache(_REMEMBERED)
def compile_query(path: str) -> Query:
    """Compiles a path, once for all who ask for it.

    Raises:
        QueryError: it is no path; the message says where it stops being one.
    """
    return Query(path)


def find_named(view: Mapping[str, Any], source: Literal["header", "cookie"], name: str) -> Found:
    """Looks for a header, in any case, or a cookie; one that came several times has several values."""
    values = view.get("headers" if source == "header" else "cookies")
    known = values if isinstance(values, Mapping) else {}
    key = name if name in known else _like(name, known) if source == "header" else None
    if key is not None:
        value = known[key]
        return Found(tuple(value), many=True) if isinstance(value, (list, tuple)) else Found((value,))
    near = nearest(name, map(str, known))
    hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
    what = tr("header") if source == "header" else tr("cookie")
    return Found((), broke_at=tr("there is no {what} '{name}'", what=what, name=name) + hint)


def _root(view: Mapping[str, Any], steps: tuple[Step, ...]) -> tuple[Any, int, str]:
    """Where a path begins: in the body, or, for the response's own names that the body lacks, in the response.

    Returns:
        The value, how many steps lead to it, and how messages call it.
    """
    body = view.get("body", view)
    if steps:
        name = steps[0]
        if isinstance(name, str) and name in view and not (isinstance(body, Mapping) and name in body):
            return view[name], 1, f"$.{name}"
    return body, 0, "$"


def _follow(value: Any, steps: Iterable[Step]) -> tuple[Any, int | None]:
    """Goes down the steps; returns where it came, and the position of the step it could not take, if any."""
    for position, step in enumerate(steps):
        if isinstance(step, str):
            if not isinstance(value, Mapping) or step not in value:
                return value, position
            value = value[step]
        elif isinstance(value, (list, tuple)):
            if not -len(value) <= step < len(value):
                return value, position
            value = value[step]
        elif isinstance(step, Numeral) and isinstance(value, Mapping) and str(step) in value:
            value = value[str(step)]
        else:
            return value, position
    return value, None


def _like(name: Step, headers: Any) -> str | None:
    """The header of that name whatever its case, for headers that are a plain map."""
    wanted = str(name).lower()
    known = headers if isinstance(headers, Mapping) else ()
    return next((key for key in known if isinstance(key, str) and key.lower() == wanted), None)


def _explain(parent: Any, where: str, steps: tuple[Step, ...], broken: int) -> str:
    """Says where a path broke off and what was there."""
    came = where + "".join(map(_written, steps[:broken]))
    missing = came + _written(steps[broken])
    if isinstance(parent, Mapping):
        if not parent:
            return tr("nothing at {missing}: {came} is an empty map", missing=missing, came=came)
        keys = ", ".join(shorten(str(key), 40) for key in list(parent)[:_KEYS_SHOWN])
        more = ", …" if len(parent) > _KEYS_SHOWN else ""
        return tr("nothing at {missing}; keys there: {keys}", missing=missing, keys=keys + more)
    if isinstance(parent, (list, tuple)):
        if not parent:
            return tr("nothing at {missing}: {came} is an empty list", missing=missing, came=came)
        return tr("nothing at {missing}: {came} is a list of {count}", missing=missing, came=came, count=len(parent))
    return tr("nothing at {missing}: {came} is {type}", missing=missing, came=came, type=type_name(parent))


def _written(step: Step) -> str:
    if isinstance(step, str) and step.replace("-", "_").isidentifier():
        return f".{step}"
    return f"[{step!r}]"


def _call(calls: Iterable[Call], value: Any) -> Any:
    for call in calls:
        if value is ABSENT:
            value = call.function.of_absent
            continue
        try:
            value = call.function.apply(value, *call.args)
        except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
            reason = shorten(str(error))
            raise QueryError(tr("{name}() failed: {reason}", name=call.name, reason=reason)) from error
    return value
