"""Where the cases of a run want their results, by `config.output`."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve

from sisyphus.errors import OutputError, StepError
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sisyphus.case.model import Case
    from sisyphus.results import RunResult

_NAME: Final = "result.json"  # in a folder


def destinations(cases: Iterable[Case]) -> dict[Path, set[str]]:
    """The files that cases name for their results, and the case files that name each of them.

    Raises:
        OutputError: a path has a template that cannot be rendered.
    """
    wanted: defaultdict[Path, set[str]] = defaultdict(set)
    for case in cases:
        output = case.config.output
        if output.path and "json" in output.formats:
            wanted[_file(output.path if "{" not in output.path else _rendered(output.path, case))].add(case.file)
    return dict(wanted)


def part_of(result: RunResult, files: Collection[str]) -> RunResult:
    """The result as if only the cases of some files had been run."""
    return evolve(result, cases=tuple(case for case in result.cases if case.file in files))


def _file(path: str) -> Path:
    folder = path.endswith(("/", os.sep)) or Path(path).is_dir()
    return Path(path) / _NAME if folder else Path(path)


def _rendered(path: str, case: Case) -> str:
    from sisyphus.engine.base_names import base_names
    from sisyphus.engine.scope import Scope
    from sisyphus.values._text import to_text

    scope = Scope(base_names(case, os.environ), case.config.variables)
    try:
        return to_text(scope.render_whole(path, scope.names()))
    except StepError as exc:
        raise OutputError(tr("{file}: config.output.path: {reason}", file=case.file, reason=exc)) from exc
