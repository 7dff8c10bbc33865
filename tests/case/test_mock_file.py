"""Mock servers from files of their own, and from cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from sisyphus.case.mock_file import load_mock
from sisyphus.case.model import MockServer
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError, UsageError


def loaded(folder: Path, text: str) -> MockServer:
    file = folder / "m.yaml"
    file.write_text(text, encoding="utf-8")
    return load_mock(file, Choices(environ={}))


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(CaseFileError) as caught:
        loaded(folder, text)
    return [str(problem).removeprefix(f"{folder / 'm.yaml'}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        "name: c\nconfig: {seed: 7, mock_server: {port: 81, routes: [{path: /a}]}}\nsteps: []\n",
        "name: m\nseed: 7\nmock_server: {port: 81, routes: [{path: /a}]}\n",
        "description: d\nseed: 7\nport: 81\nrules: [{path: /a}]\n",
    ],
)
def test_a_case_a_file_with_a_mock_server_and_a_file_with_its_keys_are_served(text: str, tmp_path: Path) -> None:
    server = loaded(tmp_path, text)
    assert (server.port, server.seed, [route.path for route in server.routes]) == (81, 7, ["/a"])
    assert (server.folder, server.root) == (str(tmp_path), str(tmp_path))


def test_a_list_of_routes_may_stand_under_mock_server(tmp_path: Path) -> None:
    assert loaded(tmp_path, "mock_server: [{path: /a}]\n").routes[0].path == "/a"
    assert loaded(tmp_path, "default_response: {status: 404}\n").routes == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name: c\nsteps: []\n", ["1:1: there is no mock server in this file (write for example mock_server: {routes: [{path: /users}]})"]),
        ("name: c\n", ["1:1: there is no mock server in this file (write for example mock_server: {routes: [{path: /users}]})"]),
        ("mock_server: {enabled: false, routes: [{path: /}]}\n", ["1:1: there is no mock server in this file (write for example mock_server: {routes: [{path: /users}]})"]),
        ("routes: []\nhots: a\n", ["2:1: unknown key 'hots' in a mock server's file (did you mean 'host'?)"]),
        ("mock_server: []\nport: 1\n", ["2:7: 'port' stands beside 'mock_server', not in it (indent it)"]),
        ("routes: [{path: '/[', match_type: regex}, {path: /, response: {file: x, headers: {A: '${'}}}]\nseed: a\n", [
            "1:17: '/[' is no valid regular expression: unterminated character set at position 1",
            "1:70: the file x does not exist (Paths are relative to the case file: FOLDER.)",
            "1:86: '${' is not closed by '}': ${",
            "2:7: seed: expected a whole number, got text 'a'",
        ]),
        ("name: c\nconfig: {mock_server: []}\n", ["1:1: a case needs steps (write for example steps: [{name: Log in, url: /login}])"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, found: list[str], tmp_path: Path) -> None:
    assert refused(tmp_path, text) == [line.replace("FOLDER", str(tmp_path)) for line in found]


def test_one_file_at_a_time(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("routes: []\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"one mock server at a time: .* holds 2 files"):
        load_mock(tmp_path, Choices(environ={}))
    with pytest.raises(UsageError, match="does not exist"):
        load_mock(tmp_path / "c.yaml", Choices(environ={}))
