"""A mock server from a file of its own, or from the case that brings it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve

from sisyphus.case._mocking import MOCK, finish_mock, mock_server_draft
from sisyphus.case._rendering import check_templates
from sisyphus.case._used_files import check_mock_files
from sisyphus.case.draft import Findings, spellings, take
from sisyphus.case.finding import find_files
from sisyphus.case.functions import Callables, project_functions
from sisyphus.case.load import load
from sisyphus.case.model import MockServer
from sisyphus.case.project import FUNCTIONS_FILE, project_root, shown_path
from sisyphus.case.structure import structure
from sisyphus.case.yaml import read_file
from sisyphus.errors import CaseFileError, Problem, UsageError
from sisyphus.words import tr

if TYPE_CHECKING:
    from pathlib import Path

    from sisyphus.case.draft import Draft
    from sisyphus.case.project import Choices
    from sisyphus.case.yaml import Map

_CASES: Final = frozenset({"steps", "teststeps", "config", "setup", "teardown"})
_FILE: Final = {**MOCK, **spellings("name", "description", "seed", "mock_server")}


def load_mock(path: str | Path, choices: Choices) -> MockServer:
    """Loads the mock server of a case file, or of a file with nothing but `mock_server`, or nothing but its keys.

    Raises:
        UsageError: there is no such file, or `choices` ask for what cannot be.
        CaseFileError: with everything that is wrong in it.
    """
    files = find_files([path])
    if len(files) > 1:
        raise UsageError(tr("one mock server at a time: {path} holds {count} files", path=path, count=len(files)))
    (file,) = files
    root = project_root(file)
    source = read_file(file, root=root, shown=str(file))
    if _CASES.isdisjoint(source):
        return _alone(source, file, root)
    server = load(file, choices).config.mock_server
    if server is None:
        raise CaseFileError([_nothing_to_serve(source)])
    return server


def _alone(source: Map, file: Path, root: Path) -> MockServer:
    found = Findings()
    own = root / FUNCTIONS_FILE
    if own.is_file():
        found.callables = Callables(project_functions(own, shown_path(own), found))
    draft = take(source, _FILE, tr("a mock server's file"), found)
    if "mock_server" in draft:
        _refuse_both(draft, found)
        server = mock_server_draft(draft["mock_server"], draft.place_of("mock_server"), found)
    else:
        server = finish_mock(draft.part(frozenset(MOCK.values())), found)
    seed = draft.get("seed")
    if server is None or not server.get("routes", server.get("default_response")):
        raise CaseFileError(found.problems or [_nothing_to_serve(source)])
    server.put("seed", seed, draft.place_of("seed"))
    check_templates(server, found)
    check_mock_files(server, file.parent, root, found)
    made = structure(server, MockServer, found)
    if made is None or found.problems:
        raise CaseFileError(dict.fromkeys(found.problems))
    return evolve(
        made,
        folder=str(file.parent),
        root=str(root),
        functions=found.callables.functions if found.callables is not None else {},
    )


def _refuse_both(draft: Draft, found: Findings) -> None:
    beside = next((key for key in draft if key in MOCK.values()), None)
    if beside is not None:
        message = tr("'{key}' stands beside 'mock_server', not in it", key=draft.key_of(beside))
        found.wrong(draft.place_of(beside), message, tr("indent it"))


def _nothing_to_serve(source: Map) -> Problem:
    from sisyphus.case._shapes import example
    from sisyphus.errors import Mark

    where = Mark(source.file, source.line, source.column)
    return Problem(
        where, tr("there is no mock server in this file"), example("mock_server: {routes: [{path: /users}]}")
    )
