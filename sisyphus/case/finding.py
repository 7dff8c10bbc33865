"""Paths, folders and globs to case files."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sisyphus.errors import UsageError, nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUFFIXES: Final = (".yaml", ".yml")


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """The case files that `paths` name, each once: files as they are, folders recursively and sorted, globs expanded.

    In folders, and in what a glob matches, files that begin with ``_`` or ``.``, or stand in such a folder, are left
    out: they are parts for `!include`, and settings.

    Raises:
        UsageError: a path that leads to no case file.
    """
    files: dict[str, Path] = {}
    for given in paths:
        for path in _files_of(given):
            files.setdefault(os.path.realpath(path), path)
    return list(files.values())


def _files_of(given: str | Path) -> list[Path]:
    if not str(given):
        raise UsageError(tr("an empty path names no case file"))
    path = Path(given)
    # os.path, since Path's own questions raise for names that are too long and folders that may not be looked into.
    if os.path.isdir(path):  # noqa: PTH112
        inside = _cases_below(path)
        if not inside:
            raise UsageError(tr("no case files (*.yaml, *.yml) in {path}", path=path))
        return inside
    if os.path.lexists(path):
        return [_case_file(path)]
    if glob.has_magic(str(given)):
        return _matches(str(given))
    raise UsageError(_missing(path))


def _case_file(path: Path) -> Path:
    if path.suffix and path.suffix.lower() not in SUFFIXES:
        message = tr("{path} is no case file", path=path)
        raise UsageError(f"{message} ({tr('case files end in .yaml or .yml')})")
    return path


def _cases_below(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not _is_apart(path.relative_to(folder)) and os.path.isfile(path)  # noqa: PTH113
    )


def _is_apart(path: Path) -> bool:
    return any(part[0] in "._" and part not in {".", ".."} for part in path.parts)


def _matches(pattern: str) -> list[Path]:
    fixed = Path(*_before_magic(pattern))
    found = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - absolute ones too
    named_apart = _is_apart(Path(pattern).relative_to(fixed))  # whoever writes `_*.yaml` means those files
    files: list[Path] = []
    for match in found:
        if not named_apart and _is_apart(match.relative_to(fixed)):
            continue
        if os.path.isdir(match):  # noqa: PTH112
            files += _cases_below(match)
        elif match.suffix.lower() in SUFFIXES:
            files.append(match)
    if not files:
        raise UsageError(
            tr("none of the files that match {path} is a case file (*.yaml, *.yml)", path=pattern)
            if found
            else tr("no file matches {path}", path=pattern)
        )
    return files


def _before_magic(pattern: str) -> Iterator[str]:
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            return
        yield part


def _missing(path: Path) -> str:
    message = tr("{path} does not exist", path=path)
    try:
        near = nearest(path.name, os.listdir(path.parent))  # noqa: PTH208
    except (OSError, ValueError):
        near = None
    return message + (tr(" (did you mean '{near}'?)", near=path.parent / near) if near else "")
