"""For every key of every mapping: the wrong type, the missing and the unknown, with the exact place and message.

The keys come from the tables of the loader, so that none can be added without its row in ``every_field.tsv``. After a
change that is meant, ``SISYPHUS_REWRITE=1 pytest tests/case/test_every_field.py`` writes the table anew: read its diff.
"""

from __future__ import annotations

import copy
import importlib
import os
import pkgutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

import sisyphus.case
from sisyphus.case import (
    _answering,
    _checking,
    _configuring,
    _data,
    _databasing,
    _extracting,
    _mocking,
    _reaching,
    _reporting,
    _requesting,
    _retrying,
    _step_mocking,
    _stepping,
    _wrapping,
    dialect,
    mock_file,
)
from sisyphus.case.load import loads
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError
from sisyphus.steps import STEP_TYPES, _answers, _asking, poll

TABLE: Final = Path(__file__).with_name("every_field.tsv")

# One of a type that most keys do not take each, written as the file has it.
WRONG: Final[Mapping[str, Any]] = {"map": {"zz": 1}, "list": [[1]], "flag": True, "text": "zz"}

SPECS: Final[Mapping[str, dict[str, Any]]] = {
    "request": {"url": "/"},
    "wait": {"seconds": 0},
    "print": {"message": "x"},
    "function": {"function": "upper"},
    "loop": {"loop_count": 1, "loop_steps": [{"name": "b", "url": "/"}]},
    "concurrent": {"concurrent_steps": [{"name": "b", "url": "/"}]},
    "script": {"script": "x = 1"},
    "database": {"database": {"type": "sqlite"}, "sql": "select 1"},
    "poll": {"url": "/", "poll_config": {"condition": True}},
}


def _step(**more: Any) -> dict[str, Any]:
    return {"name": "x", "steps": [{"name": "a", "url": "/", **more}]}


def _poll(**more: Any) -> dict[str, Any]:
    return _step(type="poll", poll_config={"condition": True, **more})


def _config(**more: Any) -> dict[str, Any]:
    return {"name": "x", "config": more, "steps": [{"name": "a", "url": "/"}]}


AT_STEP: Final = ("steps", 0)
PROFILE: Final = {key: key for key in sorted(_configuring._PROFILE_MEANING | _configuring._PROFILE_WAYS)}
# By the mapping's name: its table, a case that has it, and where in it.
MAPPINGS: Final[dict[str, tuple[Mapping[str, str], dict[str, Any], tuple[str | int, ...]]]] = {
    "case": (dialect._ROOT, _step(), ()),
    "config": (_configuring.CONFIG, _config(), ("config",)),
    "profile": (
        PROFILE, _config(profiles={"p": {"base_url": "http://h"}}, active_profile="p"), ("config", "profiles", "p")),
    "profile of a group": (
        PROFILE, _config(profiles={"g": {"p": {"base_url": "http://h"}}}, active_profile="g.p"),
        ("config", "profiles", "g", "p")),
    **{
        f"{key} of a profile": (
            {"one": "one"}, _config(profiles={"p": {key: {"one": 1}}}, active_profile="p"), ("config", "profiles", "p", key))
        for key in ("variables", "headers", "overrides")
    },
    "websocket": (_configuring._WEBSOCKET, _config(websocket={}), ("config", "websocket")),
    "env_vars": (_configuring._ENV_VARS, _config(env_vars={}), ("config", "env_vars")),
    "output": (_reporting._OUTPUT, _config(output={}), ("config", "output")),
    "data_source": (
        _data._SOURCE, _config(data_source={"type": "csv", "file_path": "a.csv"}), ("config", "data_source")),
    "cert": (_reaching._CERT, _config(cert={"cert": "a.pem"}), ("config", "cert")),
    "retry_policy": (_retrying._POLICY, _step(retry_policy={}), (*AT_STEP, "retry_policy")),
    "mock_server": (_mocking.MOCK, _config(mock_server={"routes": []}), ("config", "mock_server")),
    "route": (_mocking._ROUTE, _config(mock_server=[{"path": "/"}]), ("config", "mock_server", 0)),
    "response": (
        _answering._RESPONSE, _config(mock_server=[{"path": "/", "response": {}}]), ("config", "mock_server", 0, "response")),
    "mock file": (mock_file._FILE, {"name": "x", "routes": [{"path": "/"}]}, ()),
    "delay": (
        _answering._DELAY, _config(mock_server=[{"path": "/", "delay": {}}]), ("config", "mock_server", 0, "delay")),
    "failure": (
        _answering._FAILURE, _config(mock_server=[{"path": "/", "failure": {}}]), ("config", "mock_server", 0, "failure")),
    "step": (_stepping._COMMON, _step(), AT_STEP),
    "request of a step": (
        _requesting.REQUEST, {"name": "x", "steps": [{"name": "a", "request": {"url": "/"}}]}, (*AT_STEP, "request")),
    "auth": (_requesting._AUTH, _step(auth={"type": "bearer", "token": "x"}), (*AT_STEP, "auth")),
    "file": (_requesting._FILE, _step(files={"f": {"path": "a"}}), (*AT_STEP, "files", "f")),
    "upload": (_requesting._UPLOAD, _step(upload={"file": "a"}), (*AT_STEP, "upload")),
    "graphql": (_requesting._GRAPHQL, _step(graphql={"query": "{a}"}), (*AT_STEP, "graphql")),
    "mock of a step": (_step_mocking._MOCK, _step(mock={"response": {}}), (*AT_STEP, "mock")),
    "condition of a mock": (
        _step_mocking._CHOICE, _step(mock={"conditions": [{"condition": True, "response": {}}]}),
        (*AT_STEP, "mock", "conditions", 0)),
    "poll_config": (poll._CONFIG, _poll(), (*AT_STEP, "poll_config")),
    "on_timeout": (poll._ON_TIMEOUT, _poll(on_timeout={}), (*AT_STEP, "poll_config", "on_timeout")),
    "condition of a poll": (
        _asking._KEYS, _poll(condition={"type": "jsonpath", "path": "$.a", "expect": 1}),
        (*AT_STEP, "poll_config", "condition")),
    "wait_condition": (
        _answers._KEYS, {"name": "x", "steps": [{"name": "a", "type": "wait", "wait_condition": {"request": {"url": "/"}}}]},
        (*AT_STEP, "wait_condition")),
    "parallel": (_wrapping._PARALLEL, _step(parallel={"threads": 1}), (*AT_STEP, "parallel")),
    "database": (_databasing.KEYS, _config(connections={"a": {"type": "sqlite"}}), ("config", "connections", "a")),
    "validation": (
        _checking._CHECK, _step(validations=[{"type": "eq", "path": "$.a", "expect": 1}]), (*AT_STEP, "validations", 0)),
    "validation of a header": (
        _checking._NAMED, _step(validations=[{"type": "header", "path": "X", "expect": "1"}]),
        (*AT_STEP, "validations", 0)),
    "extractor": (
        _extracting._EXTRACTOR, _step(extractors=[{"name": "v", "path": "$.a"}]), (*AT_STEP, "extractors", 0)),
    "extractor under its name": (
        _extracting._NAMED, _step(extract={"v": {"path": "$.a"}}), (*AT_STEP, "extract", "v")),
    "on_failure of an extractor": (
        _extracting._ON_FAILURE, _step(extractors=[{"name": "v", "path": "$.a", "on_failure": {}}]),
        (*AT_STEP, "extractors", 0, "on_failure")),
    **{
        f"{type_} step": (
            STEP_TYPES[type_].KEYS, {"name": "x", "steps": [{"name": "a", "type": type_, **spec}]}, AT_STEP)
        for type_, spec in SPECS.items()
    },
}  # fmt: skip

# Tables that name no keys of a mapping, or are parts of those above.
OTHERS: Final = frozenset({
    "COMPARATORS", "EXTRACTOR_TYPES", "REACHING", "TYPE_NAMES", "KINDS", "_AUTH_TYPES", "_FORMATS", "_OPERANDS",
    "_PATHS", "_BODIES", "_SOURCES", "_TYPES", "DELAYS", "CRITERIA", "ANSWER", "_WITH_TOLERANCE",
})  # fmt: skip


def rows() -> Iterator[str]:
    for mapping, (table, case, path) in MAPPINGS.items():
        tell = _told_of_mock if mapping == "mock file" else _told
        yield f"{mapping}\t\t{tell(case)}"
        for key in _at(case, path):
            yield f"{mapping}\twithout {key}\t{tell(_changed(case, path, key, None))}"
        for key in table:
            for kind, value in WRONG.items():
                yield f"{mapping}\t{key}: {kind}\t{tell(_changed(case, path, key, value))}"
            yield f"{mapping}\t{key}q\t{tell(_changed(case, path, key + 'q', 1))}"


def _at(case: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        case = case[step]
    return case


def _changed(case: Any, path: tuple[str | int, ...], key: str, value: Any) -> Any:
    case = copy.deepcopy(case)
    mapping = _at(case, path)
    mapping.pop(key, None)
    if value is not None:
        mapping[key] = value
    return case


def _told(case: Any) -> str:
    try:
        loaded = loads(_dumped(case))
    except CaseFileError as error:
        return str(error).replace("<text>:", "").replace(str(Path.cwd()), "…").replace("\n", " | ")
    return "; ".join(["fine", *(warning.replace("<text>:", "") for warning in loaded.warnings)])


def _dumped(case: Any) -> str:
    return str(yaml.safe_dump(case, sort_keys=False, allow_unicode=True))


def _told_of_mock(case: Any) -> str:
    """What a file says that is served by itself."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.yaml"
        file.write_text(_dumped(case), encoding="utf-8")
        try:
            mock_file.load_mock(file, Choices(environ={}))
        except CaseFileError as error:
            return str(error).replace(f"{file}:", "").replace(folder, "…").replace("\n", " | ")
    return "fine"


def test_every_key_has_its_row_and_says_what_it_said() -> None:
    now = list(rows())
    if os.environ.get("SISYPHUS_REWRITE") == "1":
        TABLE.write_text("\n".join(now) + "\n", encoding="utf-8")
    then = TABLE.read_text(encoding="utf-8").splitlines()
    missing = [row for row in now if row not in set(then)]
    gone = [row for row in then if row not in set(now)]
    assert (missing[:20], gone[:20]) == ([], []), __doc__


def test_every_table_of_spellings_is_among_the_mappings() -> None:
    known = {id(table) for table, _, _ in MAPPINGS.values()}
    unknown = []
    for module in pkgutil.iter_modules(sisyphus.case.__path__):
        for name, value in vars(importlib.import_module(f"sisyphus.case.{module.name}")).items():
            if name.isupper() and name not in OTHERS and isinstance(value, dict) and id(value) not in known:
                texts = all(isinstance(one, str) and isinstance(key, str) for key, one in value.items())
                if texts and any(key == one for key, one in value.items()):
                    unknown.append(f"{module.name}.{name}")
    assert unknown == []
    assert set(SPECS) <= set(STEP_TYPES)
