"""The spellings of what a route of a mock server asks of a request."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._expecting import check_expectation, check_path, constant
from sisyphus.case._shapes import as_map, example, expected, require, unknown
from sisyphus.case._tokens import check_headers, check_method
from sisyphus.case.draft import spellings
from sisyphus.case.yaml import Map
from sisyphus.errors import QueryError
from sisyphus.values._patterns import compile_pattern
from sisyphus.values.compare import ALIASES, OPERATORS
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings, Place

CRITERIA: Final = spellings(
    "method", "path", "match_type", "query_params", "headers", "body_pattern", "body_match_type", "condition",
    url="path", params="query_params", query="query_params",
)  # fmt: skip
COMPARATORS: Final = {**{name: name for name in OPERATORS if name != "status_code"}, **ALIASES}
"""Those that need nothing but what they compare."""

_PATHS: Final = {"exact": "exact", "equals": "exact", "regex": "regex", "matches": "regex", "contains": "contains"}
_BODIES: Final = {
    "contains": "contains", "partial": "contains", "regex": "regex", "matches": "regex", "exact": "exact",
    "equals": "exact", "json": "json", "jsonpath": "jsonpath", "json_path": "jsonpath",
}  # fmt: skip
_PARAMETER: Final = re.compile(r"\{([A-Za-z_]\w*)\}")


def check_criteria(draft: Draft, found: Findings) -> None:
    """Completes and checks what a route asks for; its keys are the model's already."""
    check_method(draft, found)
    for key, known in (("match_type", _PATHS), ("body_match_type", _BODIES)):
        _settle_word(draft, key, known, found)
    given = require(draft, "path", tr("a route needs a path"), "path: /users/{id}", found)
    if given and isinstance(draft["path"], str):
        _check_path(draft, draft["path"], draft.place_of("path"), found)
    for key in ("query_params", "headers"):
        if draft.get(key) is not None:
            source = as_map(draft[key], draft.place_of(key), draft.key_of(key), found, f"{key}: {{page: 1}}")
            if source is None:
                draft.discard(key)
            else:
                _check_expected(source, found)
    check_headers(draft.get("headers"), found)
    if draft.get("body_pattern") is None:
        draft.pop("body_pattern", None)
        if "body_match_type" in draft and draft.lacks("body_pattern"):
            found.wrong(draft.place_of("body_match_type"), tr("body_match_type needs a body_pattern"))
    else:
        _check_body(draft, draft.place_of("body_pattern"), found)


def _settle_word(draft: Draft, key: str, known: dict[str, str], found: Findings) -> None:
    word = draft.get(key)
    if word is None:
        draft.pop(key, None)
    elif isinstance(word, str) and word.lower() in known:
        draft[key] = known[word.lower()]
    elif isinstance(word, str):
        found.wrong(draft.place_of(key), tr("unknown {key} '{word}'", key=key, word=word), unknown(word, known))
        draft.discard(key)
    else:
        found.wrong(draft.place_of(key), f"{key}: {expected(tr('text'), word)}")
        draft.discard(key)


def _check_path(draft: Draft, path: str, place: Place, found: Findings) -> None:
    kind = draft.get("match_type", "exact" if draft.lacks("match_type") else None)
    if kind == "regex":
        _check_pattern(path, place, found)
    elif kind == "exact":
        names = _PARAMETER.findall(path)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            message = tr("the path has two parameters of the name {name}", name="{" + twice + "}")
            found.wrong(place, message, tr("rename one of them"))
        if "://" in path:
            found.wrong(place, tr("the path of a route is no URL"), example("path: /users/{id}"))
        elif "?" in path:
            message = tr("the path of a route has no query in it")
            found.wrong(place, message, tr("write what is behind the ? under query_params"))


def _check_pattern(pattern: str, place: Place, found: Findings) -> None:
    try:
        compile_pattern(pattern)
    except QueryError as error:
        found.wrong(place, str(error))


def _check_expected(source: Map, found: Findings) -> None:
    """Notes templates, and comparators that there are not or that cannot work with what is expected."""
    for name, value in source.items():
        place = (source.file, *source.marks[name][2:])
        if not constant(value):
            message = tr("what a route asks for is compared as it stands, not as a template")
            found.wrong(place, message, tr("use condition, which sees the request"))
        elif isinstance(value, Map):
            _check_comparators(value, found)


def _check_comparators(source: Map, found: Findings) -> None:
    for word, value in source.items():
        name = COMPARATORS.get(word)
        if name is None:
            place = (source.file, *source.marks[word][:2])
            found.wrong(place, tr("unknown comparator '{name}'", name=word), unknown(word, COMPARATORS))
        else:
            check_expectation(name, value, (source.file, *source.marks[word][2:]), found)


def _check_body(draft: Draft, place: Place, found: Findings) -> None:
    pattern, kind = draft["body_pattern"], draft.get("body_match_type")
    if kind == "regex" and not isinstance(pattern, str):
        found.wrong(place, f"body_pattern: {expected(tr('text'), pattern)}")
    elif kind == "regex":
        _check_pattern(pattern, place, found)
    elif kind == "json" and isinstance(pattern, str):
        draft.put("body_pattern", _parsed(pattern, place, found), place)
    elif kind == "jsonpath":
        _check_paths(pattern, place, found)


def _parsed(text: str, place: Place, found: Findings) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = tr("the pattern is no JSON: {reason}", reason=error)
        found.wrong(place, message, tr("write it as YAML, without quotes"))
        return None


def _check_paths(pattern: Any, place: Place, found: Findings) -> None:
    if isinstance(pattern, str):
        check_path(pattern, place, found, "body_pattern")
    elif isinstance(pattern, Map):
        for path, value in pattern.items():
            check_path(path, (pattern.file, *pattern.marks[path][:2]), found, "body_pattern")
            if isinstance(value, Map) and value and all(word in COMPARATORS for word in value):
                _check_comparators(value, found)
    else:
        message = expected(tr("a path, or a mapping from paths to values"), pattern)
        found.wrong(place, f"body_pattern: {message}", example('body_pattern: "$.user.id"'))
