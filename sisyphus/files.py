"""The files that a case may use: those of its project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sisyphus.errors import FieldError
from sisyphus.words import tr

_PATH_SHOWN: Final = 200  # characters; a template may have put a whole body where a path belongs


def place_inside(written: str, *, folder: str | Path, root: str | Path) -> Path:
    """Where a file is meant to be, by a path relative to `folder`, and never outside of `root`.

    Raises:
        FieldError: it leads outside, or cannot be a path.
    """
    try:
        path = (Path(folder) / written).resolve()
        path.is_file()
        home = Path(root).resolve()
    except (OSError, ValueError, RuntimeError) as exc:  # too long; characters no path has; links in a circle
        reason = getattr(exc, "strerror", None) or exc
        raise FieldError(tr("'{path}' cannot be a file: {reason}", path=written[:_PATH_SHOWN], reason=reason)) from exc
    if not path.is_relative_to(home):
        raise FieldError(
            tr("{path} is outside the project's folder {root}", path=written, root=root),
            suggestion=tr("Put the file next to the case file, or make the folder above it the project (.sisyphus/)."),
        )
    return path


def file_inside(written: str, *, folder: str | Path, root: str | Path) -> Path:
    """The file that is meant by a path relative to `folder`, or else to `root`, and never outside of `root`.

    Raises:
        FieldError: it does not exist, leads outside, or cannot be a path.
    """
    path = place_inside(written, folder=folder, root=root)
    if path.is_file():
        return path
    if ".." not in Path(written).parts and (other := place_inside(written, folder=root, root=root)).is_file():
        return other
    raise FieldError(
        tr("the file {path} does not exist", path=written),
        suggestion=tr("Paths are relative to the case file: {folder}.", folder=Path(folder).resolve()),
    )


def shown_as(path: Path, written: Path) -> str:
    """How messages call a file: as `written`, which is its path from the current folder, if that is where it is."""
    beside = os.path.normpath(written)
    return beside if os.path.realpath(beside) == str(path) else str(path)
