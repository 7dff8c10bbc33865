"""Whatever a file holds, loading gives a case or says what is wrong and where."""

from __future__ import annotations

import copy
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sisyphus.case.load import loads
from sisyphus.case.model import Case
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError

EXAMPLES = sorted(Path(__file__).parents[2].joinpath("examples").glob("[!_]*.yaml"))

WHOLE: dict[str, Any] = {
    "name": "n", "description": "d", "tags": ["a"], "enabled": True,
    "config": {
        "name": "c", "version": "1", "author": "x", "base_url": "http://h", "timeout": 5, "case_timeout": 60,
        "retry_times": 2, "retry_delay": 100,
        "retry_policy": {
            "strategy": "fixed", "base_delay": 1, "max_delay": 2, "backoff_multiplier": 2, "jitter": False,
            "retry_on": ["timeout", 500], "stop_on": "tls",
        },
        "variables": {"a": 1, "b": "${a}", "c": {"d": [1, "x"]}},
        "profiles": {
            "dev": {
                "base_url": "http://d", "variables": {"a": 2}, "timeout": 3, "verify_ssl": False, "headers": {"X": "1"},
                "overrides": {"a": 3},
            },
            "v2": {"prod": {"base_url": "http://p"}},
        },
        "active_profile": "dev", "headers": {"Accept": "*/*"}, "verify_ssl": True, "follow_redirects": True,
        "env_vars": {"prefix": "APP_", "load_from_os": True, "overrides": {"k": "v"}},
        "websocket": {"enabled": False, "host": "localhost", "port": 8765, "send_progress": True},
        "mock_server": {
            "host": "127.0.0.1", "port": 0, "default_response": {"status_code": 404},
            "routes": [
                {
                    "name": "r", "method": "GET", "path": "/u/{id}", "fixed_delay": 1,
                    "response": {"status_code": 200, "headers": {"A": "b"}, "body": {"x": "${request.body}"}, "delay": 1},
                },
                {"path": "/s", "responses": [{"status": 503}, {"body": "ok"}], "delay": {"fixed_delay": 2}},
                {
                    "path": "^/r/(?P<id>.)", "match_type": "regex", "priority": 3, "enabled": True, "min_delay": 0,
                    "max_delay": 1, "query_params": {"q": ["a"], "n": {"gt": 1}}, "headers": {"A": None},
                    "body_pattern": {"$.a": 1, "$.b": {"lt": 5}}, "body_match_type": "jsonpath",
                    "condition": {"or": ["request.json.a > 1", "'x' in request.query"]},
                    "response": {"status_code": "${path_params.id}", "file": "pyproject.toml"},
                    "else_response": {"failure": "timeout", "body": [1]},
                    "failure": {"failure_type": "http_error", "probability": 0.5, "status_code": 503},
                },
            ],
        },
        "compat": "legacy", "seed": 5,
    },
    "steps": [
        {
            "name": "one ${a}", "id": "one", "type": "request", "method": "POST", "url": "/x", "params": {"q": 1},
            "headers": {"X-A": "1"}, "cookies": {"a": "b"}, "json": {"a": ["${b}", {"c": None}]},
            "auth": {"type": "basic", "username": "u", "password": "p"}, "verify_ssl": True, "allow_redirects": False,
            "stream_limit": 100, "timeout": 3, "tags": "t", "skip_if": "${a} == 2",
            "only_if": {"or": ["a > 1", {"not": "b == 2"}]}, "retry_times": 1, "on_failure": "stop",
            "variables": {"z": 1},
            "validations": [
                {"status_code": 200},
                {"type": "eq", "path": "$.a", "expect": 1, "description": "d", "error_message": "m ${actual}"},
                {"in": ["$.a", [1, 2]]}, {"between": ["$.a", 1, 2]}, {"type": ["$.a", "int"]}, {"is_null": "$.z"},
                {"or": [{"eq": ["$.s", "a"]}, {"not": {"exists": "$.b"}}]},
                {"type": "and", "sub_validations": [{"regex": ["$.a", "^x$"]}]},
                {"approx": {"path": "$.p", "value": 3, "tolerance": 0.1}},
            ],
            "extractors": [
                {
                    "name": "t", "type": "jsonpath", "path": "$.t[?@.a>1].b", "default": None, "index": -1,
                    "scope": "step", "always": True, "condition": "a == 1",
                },
                {"name": "r", "type": "regex", "pattern": "(?P<x>a+)", "group": "x", "on_failure": {"default": 1}},
                {"name": "h", "type": "header", "key": "Server"},
            ],
        },
        {
            "two": {
                "request": {"url": "/y", "files": {"f": "./a.txt", "g": [{"path": "b.txt"}]}, "data": {"a": 1}},
                "depends_on": ["one"], "validate": {"status_code": "2xx", "eq": ["$.a", 1]},
                "extract": {"u": "body.u", "w": {"type": "cookie", "name": "sid"}},
            },
        },
        {"name": "up", "url": "/z", "upload": {"file": "./x", "form_fields": {"a": 1}}, "auth": {"bearer": {"token": "t"}}},
        {"name": "w", "type": "wait", "duration_ms": 100},
        {"name": "w3", "type": "wait", "condition": "a == 1", "interval": 1, "max_wait": 5},
    ],
}  # fmt: skip

Path_ = tuple[Any, ...]


def paths(value: Any, here: Path_ = ()) -> list[Path_]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, inner in children for path in paths(inner, (*here, key)))]


def at(value: Any, path: Path_) -> Any:
    for key in path:
        value = value[key]
    return value


INNER = [path for path in paths(WHOLE) if path]
TEXTS = st.sampled_from([
    "",
    " ",
    "x",
    "eq",
    "type",
    "request",
    "database",
    "digest",
    "2xx",
    "${",
    "${a}",
    "${nope()}",
    "{{",
    "{% if %}",
    "$.a[",
    "(",
    "é",
]) | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from([-1, 70000, 10**400, -2.5, 1e308]) | TEXTS
KEYS = st.sampled_from([*sorted({str(path[-1]) for path in INNER}), "setup", "loop", "not", "conditions"]) | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """The whole case with one to three of its nodes replaced, removed, renamed or wrapped."""
    mutant = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(INNER))
        try:
            parent = at(mutant, path[:-1])
            old = parent[path[-1]]
        except (LookupError, TypeError):
            continue  # an earlier mutation took it away
        if isinstance(parent, str):
            continue  # it put text there, which has places too
        match draw(st.sampled_from(["replace", "replace", "delete", "rename", "wrap", "graft"])):
            case "replace":
                parent[path[-1]] = draw(JSON)
            case "delete":
                del parent[path[-1]]
            case "rename" if isinstance(parent, dict):
                del parent[path[-1]]
                parent[draw(KEYS)] = old
            case "wrap":
                parent[path[-1]] = draw(st.sampled_from([[old], {"a": old}, {str(path[-1]): old}]))
            case "graft":
                parent[path[-1]] = copy.deepcopy(at(WHOLE, draw(st.sampled_from(INNER))))
    return mutant


def load_or_explain(text: str | bytes) -> Case | None:
    """Loads a case; None if it is refused, as it should be refused."""
    try:
        return loads(text, name="f.yaml", choices=Choices(environ={}))
    except CaseFileError as error:
        problems = error.problems
    lines = re.split(r"\r\n|\r|\n", text if isinstance(text, str) else text.decode("utf-8", "replace"))
    lines.append("")  # where something is missing at the end, the place is the line that would come next
    assert problems
    assert len(set(problems)) == len(problems)
    for problem in problems:
        assert problem.mark.file == "f.yaml"
        assert 1 <= problem.mark.line <= len(lines)
        assert 1 <= problem.mark.column <= len(lines[problem.mark.line - 1]) + 1
        assert problem.message
    return None


def test_the_whole_case_is_a_case() -> None:
    assert load_or_explain(json.dumps(WHOLE, indent=1)) is not None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutations())
@example({**WHOLE, "steps": [{"name": "s", "type": []}]})
@example({**WHOLE, "steps": [{"name": "s", "type": "wait", "duration_ms": 10**400}]})
@example({**WHOLE, "config": {"retry_delay": 10**400}})
def test_a_mutated_case_is_a_case_or_is_explained(mutant: Any) -> None:
    load_or_explain(json.dumps(mutant, indent=1, ensure_ascii=False))


@pytest.mark.parametrize("key", [path for path in INNER if isinstance(path[-1], str)])
def test_a_key_written_wrong_is_one_problem(key: Path_) -> None:
    parent = copy.deepcopy(WHOLE)
    inner = at(parent, key[:-1])
    inner[f"{key[-1]}z"] = inner.pop(key[-1])
    try:
        loads(json.dumps(parent, indent=1), choices=Choices(environ={}))
    except CaseFileError as error:
        assert len(error.problems) == 1  # noqa: PT017 - where any key is allowed there is none


TOKENS = [
    b":", b"- ", b" ", b"\n", b"\t", b'"', b"'", b"{", b"}", b"[", b"]", b"${", b"{{", b"{%", b"&a ", b"*a", b"!x ", b"#",
    b"|", b">", b"\0", b"\xff", b"null", b"1e999", b"? ", b"%", b"@", b"`", b",", b"\xef\xbb\xbf", b"$.", b"(", b"\r",
    b"<<: ", b"---\n", b"!include x", b"\xc2\x85", b"\xe2\x80\xa8", b"'''", b": : ",
]  # fmt: skip


def scribbled(source: random.Random, text: bytes) -> bytes:
    """The text after one to four slips of whoever typed it."""
    result = bytearray(text)
    for _ in range(source.choice([1, 1, 2, 4])):
        place = source.randrange(len(result) + 1)
        match source.randrange(5):
            case 0:
                result[place:place] = source.choice(TOKENS)
            case 1:
                del result[place : place + source.choice([1, 1, 2, 8, 40])]
            case 2:
                result[place : place + 1] = bytes([source.randrange(256)])
            case 3:
                other = source.randrange(len(result))
                result[place:place] = result[other : other + source.choice([1, 5, 30])]
            case _:
                result[place : place + 1] = source.choice(TOKENS)
    return bytes(result)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem[:2] for path in EXAMPLES])
def test_an_example_with_slips_is_a_case_or_is_explained(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)  # where its files are
    source = random.Random(path.name)
    text = path.read_bytes()
    assert load_or_explain(text) is not None
    for _ in range(150):
        load_or_explain(scribbled(source, text))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem[:2] for path in EXAMPLES])
def test_an_example_that_breaks_off_is_a_case_or_is_explained(path: Path) -> None:
    text = path.read_bytes()
    for end in range(0, len(text), max(1, len(text) // 100)):
        load_or_explain(text[:end])
