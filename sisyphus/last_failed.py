"""What failed in earlier runs of a project, kept in a file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sisyphus.errors import OutputError
from sisyphus.report.files import write_atomically
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sisyphus.case.model import Case
    from sisyphus.results import CaseResult, RunResult

# Seconds to wait for another run that is just writing: it needs some milliseconds.
PATIENCE: Final = 2.0

_ROW: Final = re.compile(r"#\d+$")  # behind a file
_ROW_OF_NAME: Final = re.compile(r" \[#(\d+)\]$")
_LARGEST: Final = 64 * 1024 * 1024  # bytes: a million cases
_NAME: Final = "last-failed.json"
_IGNORE: Final = "# Made by sisyphus-api-engine; may be deleted at any time.\n*\n"


class _GarbledError(Exception):
    """The file holds something else than this program writes."""


class Memory:
    """Remembers, for each project, the case files that failed when they last ran.

    The file is in the project's ``.sisyphus/cache/``. A project without a ``.sisyphus`` folder has it in the user's
    cache folder, since making that folder would make the case's folder a project.

    Args:
        environ: says where the user's cache folder is.

    Attributes:
        notes: what could not be read or written, in sentences.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self.notes: list[str] = []

    def failed_of(self, cases: Sequence[Case]) -> list[Case]:
        """Those that failed when they last ran; all of them if none did, or nothing is known."""
        known = {root: self._recall(Path(root)) for root in {case.root for case in cases}}
        failed = [case for case in cases if _failed(case, known[case.root])]
        if failed or not cases:
            return failed
        self.notes.append(tr("--last-failed: no failure of an earlier run is known, so all cases are run"))
        return list(cases)

    def learn(self, cases: Iterable[Case], results: RunResult) -> None:
        """Takes in what came of a run: what passed is forgotten, what did not run stays as it was."""
        by_file = {case.file: case for case in cases}
        news: dict[str, dict[str, bool]] = {}
        for result in results.cases:
            if result.status in {"passed", "failed", "error"}:
                case = by_file[result.file]
                outcomes = news.setdefault(case.root, {})
                row = _row_of(result) if _has_rows(case) else ""
                if row:
                    outcomes.setdefault(_key(case), False)  # its rows could be read, whatever was before
                outcomes[_key(case) + row] = result.status != "passed"
        for root, outcomes in news.items():
            self._update(Path(root), outcomes)

    def _recall(self, root: Path) -> frozenset[str]:
        path = self._path(root)
        try:
            return _read(path)
        except FileNotFoundError:
            return frozenset()
        except (OSError, _GarbledError) as exc:
            reason = exc.strerror or exc if isinstance(exc, OSError) else tr("it holds something else")
            self.notes.append(
                tr("what failed in earlier runs cannot be read from {path}: {reason}", path=path, reason=reason)
            )
            return frozenset()

    def _update(self, root: Path, outcomes: Mapping[str, bool]) -> None:
        path = self._path(root)
        if not any(outcomes.values()) and not path.exists():
            return  # nothing to tell, and nothing to take back: the usual run leaves no file behind
        try:
            with _alone_with(path):
                try:
                    before = _read(path)
                except (FileNotFoundError, _GarbledError):
                    before = frozenset()  # what it held is lost; it is made anew
                after = {key for key in before if key not in outcomes and (root / _ROW.sub("", key)).exists()}
                after |= {key for key, failed in outcomes.items() if failed}
                if after != before or not path.exists():
                    write_atomically(path, json.dumps({"failed": sorted(after)}, ensure_ascii=False, indent=1) + "\n")
        except OutputError as exc:
            self.notes.append(tr("what failed is not remembered for --last-failed: {reason}", reason=exc))
        except OSError as exc:
            reason = tr("cannot write {path}: {reason}", path=path, reason=exc.strerror or str(exc))
            self.notes.append(tr("what failed is not remembered for --last-failed: {reason}", reason=reason))

    def _path(self, root: Path) -> Path:
        inside = root / ".sisyphus"
        if inside.is_dir():
            return inside / "cache" / _NAME
        name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:16]
        return self._user_cache() / "sisyphus-api-engine" / name / _NAME

    def _user_cache(self) -> Path:
        for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
            folder = Path(self._environ.get(name, ""))
            if folder.is_absolute():
                return folder
        home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
        return home / ".cache" if home.is_absolute() else Path(tempfile.gettempdir())


def _key(case: Case) -> str:
    """A case file as the project calls it, wherever it is run from."""
    return Path(os.path.relpath(os.path.realpath(case.file), os.path.realpath(case.root))).as_posix()


def _has_rows(case: Case) -> bool:
    return case.row is not None or case.data is not None


def _row_of(result: CaseResult) -> str:
    """The row that a case ran with, as in ``#3``; the name of the case ends with it."""
    found = _ROW_OF_NAME.search(result.name)
    return f"#{found[1]}" if found else ""


def _failed(case: Case, known: Collection[str]) -> bool:
    key = _key(case)
    if case.row is not None:
        # Without a number it was the case itself that failed: its rows could not be read.
        return key in known or f"{key}#{case.row.index + 1}" in known
    # The rows of a database may not be known yet: one that failed has the case run.
    return key in known or (case.data is not None and any(_ROW.sub("", other) == key for other in known))


def _read(path: Path) -> frozenset[str]:
    with path.open("rb") as file:
        text = file.read(_LARGEST + 1)
    try:
        document = json.loads(text) if len(text) <= _LARGEST else None
    except (ValueError, RecursionError) as exc:
        raise _GarbledError from exc
    failed = document.get("failed") if isinstance(document, dict) else None
    if not isinstance(failed, list) or not all(isinstance(key, str) for key in failed):
        raise _GarbledError
    return frozenset(failed)


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Keeps other runs from the file between reading and writing it.

    Raises:
        OSError: the folder cannot be written to, or another run does not let go.
    """
    _make_folder(path.parent)
    try:
        import fcntl
    except ImportError:  # where there are no such locks, the file is still replaced whole
        yield
        return
    with path.with_suffix(".lock").open("ab") as lock:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as exc:
                if time.monotonic() > deadline:
                    raise OSError(exc.errno, tr("another run does not let go of it")) from exc
            time.sleep(0.01)
        yield


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), (folder / ".gitignore").open("x", encoding="utf-8") as file:
        file.write(_IGNORE)
