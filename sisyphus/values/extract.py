"""Values taken out of a result and given names."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from sisyphus.case.model import ABSENT, Extractor
from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError, QueryError, nearest
from sisyphus.values._patterns import compile_pattern
from sisyphus.values._text import to_json, to_text
from sisyphus.values.query import Found, compile_query, find_named
from sisyphus.values.template import condition_holds, render
from sisyphus.words import tr


@frozen(kw_only=True, eq=False, repr=False)
class Extracted(Comparable):
    """What an extractor found.

    Attributes:
        extractor: what found it.
        value: the value; `ABSENT`: the variable stays unset, and `warning` says why.
        warning: what the user should know, one sentence.
    """

    extractor: Extractor
    value: Any
    warning: str | None = None


@frozen(eq=False, repr=False)
class _Matches(Comparable):
    values: Sequence[Any]
    reason: str | None = None  # why there are none
    single: bool = False  # one value by nature: a list in it is the list of all


def extract(extractors: Sequence[Extractor], view: Mapping[str, Any], names: Mapping[str, Any]) -> list[Extracted]:
    """Takes values out of a result, in order; templates of later extractors see what earlier ones found.

    Args:
        extractors: what to take; those whose condition does not hold are left out.
        view: the response, or another step's result, as `Query.find` takes it.
        names: what templates see.

    Raises:
        TemplateError: a template or condition of an extractor failed.
        QueryError: a path, pattern or XPath is wrong or cannot be applied, and there is no default.
        FieldError: a field of an extractor is missing or wrong.
    """
    found_so_far: dict[str, Any] = {}
    seen: Mapping[str, Any] = ChainMap(found_so_far, names)  # type: ignore[arg-type]  # a ChainMap only writes to its first map
    results: list[Extracted] = []
    for extractor in extractors:
        if extractor.condition is not None and not condition_holds(extractor.condition, seen):
            continue
        extracted = _extract(extractor, view, seen)
        results.append(extracted)
        if extracted.value is not ABSENT:
            found_so_far[extractor.name] = extracted.value
    return results


def _extract(extractor: Extractor, view: Mapping[str, Any], names: Mapping[str, Any]) -> Extracted:
    source = _SOURCES.get(extractor.type)
    if source is None:
        near = nearest(extractor.type, _SOURCES)
        hint = tr(" (did you mean '{near}'?)", near=near) if near else ""
        raise FieldError(tr("there is no extractor of type '{type}'", type=extractor.type) + hint)
    try:
        matches = source(extractor, view, names)
    except QueryError as error:
        if extractor.default is ABSENT:
            raise
        warning = tr("'{name}' has its default: {reason}", name=extractor.name, reason=error)
        return Extracted(extractor=extractor, value=render(extractor.default, names), warning=warning)
    value = _chosen(extractor, matches)
    if value is not ABSENT:
        return Extracted(extractor=extractor, value=value)
    if extractor.default is not ABSENT:
        return Extracted(extractor=extractor, value=render(extractor.default, names))
    reason = matches.reason or tr("there are {count} matches", count=len(matches.values))
    warning = tr("'{name}' stays unset: {reason}", name=extractor.name, reason=reason)
    return Extracted(extractor=extractor, value=ABSENT, warning=warning)


def _chosen(extractor: Extractor, matches: _Matches) -> Any:
    values = matches.values
    if extractor.extract_all or extractor.index == -1:
        if matches.single and values and isinstance(values[0], (list, tuple)):
            return values[0]
        return list(values) if values else ABSENT
    index = extractor.index or 0
    return values[index] if -len(values) <= index < len(values) else ABSENT


def _by_path(extractor: Extractor, view: Mapping[str, Any], names: Mapping[str, Any]) -> _Matches:
    return _of(compile_query(_field(extractor, "path", names)).find(view))


def _by_pattern(extractor: Extractor, view: Mapping[str, Any], names: Mapping[str, Any]) -> _Matches:
    pattern = compile_pattern(_field(extractor, "pattern" if extractor.pattern else "path", names))
    group = extractor.group if extractor.group is not None else min(pattern.groups, 1)
    if isinstance(group, str) and group.isdecimal():
        group = int(group)
    if group not in pattern.groupindex and not (isinstance(group, int) and 0 <= group <= pattern.groups):
        raise QueryError(tr("'{pattern}' has no group {group}", pattern=pattern.text, group=group))
    text = _text_of(view)
    reason = tr("'{pattern}' matches nothing in the body", pattern=pattern.text)
    matches = pattern.finditer(text) if _wants_more(extractor) else filter(None, (pattern.search(text),))
    return _Matches([match[group] for match in matches if match[group] is not None], reason)


def _wants_more(extractor: Extractor) -> bool:
    return extractor.extract_all or extractor.index not in {None, 0}


def _text_of(view: Mapping[str, Any]) -> str:
    text = view.get("text")
    if isinstance(text, str):
        return text
    body = view.get("body", ABSENT)
    if body is ABSENT:
        raise QueryError(tr("there is no body to search"))
    return body if isinstance(body, str) else to_json(body)


def _by_xpath(extractor: Extractor, view: Mapping[str, Any], names: Mapping[str, Any]) -> _Matches:
    from sisyphus.values._xpath import find_all

    expression = _field(extractor, "path" if extractor.path else "pattern", names)
    values = find_all(expression, _text_of(view))
    return _Matches(values, tr("nothing matches {path}", path=expression))


def _header(extractor: Extractor, view: Mapping[str, Any], names: Mapping[str, Any]) -> _Matches:
    return _of(find_named(view, "header", _field(extractor, "path", names)))


def _cookie(extractor: Extractor, view: Mapping[str, Any], names: Mapping[str, Any]) -> _Matches:
    return _of(find_named(view, "cookie", _field(extractor, "path", names)))


def _of(found: Found) -> _Matches:
    return _Matches(found.values, found.broke_at, single=not found.many)


def _named(key: str) -> Callable[[Extractor, Mapping[str, Any], Mapping[str, Any]], _Matches]:
    def source(_extractor: Extractor, view: Mapping[str, Any], _names: Mapping[str, Any]) -> _Matches:
        reason = tr("the result has no {key}", key=key)
        return _Matches((view[key],), single=True) if key in view else _Matches((), reason)

    return source


def _field(extractor: Extractor, field: str, names: Mapping[str, Any]) -> str:
    value = getattr(extractor, field)
    if value is None or value == "":
        raise FieldError(tr("extractor '{name}' needs a {field}", name=extractor.name, field=field))
    return to_text(render(value, names))


_Source = Callable[[Extractor, Mapping[str, Any], Mapping[str, Any]], _Matches]

_SOURCES: Final[Mapping[str, _Source]] = {
    "jsonpath": _by_path,
    "regex": _by_pattern,
    "header": _header,
    "cookie": _cookie,
    "xpath": _by_xpath,
    "status": _named("status_code"),
    "status_code": _named("status_code"),
    "elapsed": _named("elapsed"),
}
