"""Where the cases of a run want their results, by `config.output`."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from attrs import evolve

from sisyphus.errors import OutputError, StepError
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sisyphus.case.model import Case
    from sisyphus.results import RunResult

_IN_A_FOLDER: Final = {"json": "result.json", "html": "report.html"}
_SUFFIXES: Final = {"json": (".json",), "html": (".html", ".htm")}


def destinations(cases: Iterable[Case], kind: Literal["json", "html"] = "json") -> dict[Path, set[str]]:
    """The files that cases name for their results, and the case files that name each of them.

    Args:
        cases: the cases of a run.
        kind: the format. A case with several has one path: what has another format's suffix gets its own.

    Raises:
        OutputError: a path has a template that cannot be rendered.
    """
    wanted: defaultdict[Path, set[str]] = defaultdict(set)
    for case in cases:
        output = case.config.output
        if output.path and kind in output.formats:
            path = output.path if "{" not in output.path else _rendered(output.path, case)
            others = [known for known in _SUFFIXES if known in output.formats and known != kind]
            wanted[_file(path, kind, others)].add(case.file)
    return dict(wanted)


def part_of(result: RunResult, files: Collection[str]) -> RunResult:
    """The result as if only the cases of some files had been run."""
    return evolve(result, cases=tuple(case for case in result.cases if case.file in files))


def _file(path: str, kind: str, others: Iterable[str]) -> Path:
    if path.endswith(("/", os.sep)) or Path(path).is_dir():
        return Path(path) / _IN_A_FOLDER[kind]
    suffix = Path(path).suffix.lower()
    foreign = [known for other in others for known in _SUFFIXES[other]]
    if suffix in foreign:
        return Path(path).with_suffix(_SUFFIXES[kind][0])
    # Of two formats and a path that says neither, the page is the one whose name has to tell what it is.
    if kind == "html" and foreign and suffix not in _SUFFIXES[kind]:
        return Path(f"{path}{_SUFFIXES[kind][0]}")
    return Path(path)


def _rendered(path: str, case: Case) -> str:
    from sisyphus.engine.base_names import base_names
    from sisyphus.engine.scope import Scope
    from sisyphus.values._text import to_text

    scope = Scope(base_names(case, os.environ), case.config.variables)
    try:
        return to_text(scope.render_whole(path, scope.names()))
    except StepError as exc:
        raise OutputError(tr("{file}: config.output.path: {reason}", file=case.file, reason=exc)) from exc
