"""Files to cases, with all problems of all files at once."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from sisyphus.case.dialect import case_draft
from sisyphus.case.draft import Draft, Findings, Place
from sisyphus.case.model import Case, Config, Step
from sisyphus.case.project import Choices, configure, project_draft, project_root
from sisyphus.case.structure import structure
from sisyphus.case.yaml import read, read_file
from sisyphus.errors import CaseFileError, Mark, Problem, UsageError, nearest
from sisyphus.values.template import check_syntax
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sisyphus.case.yaml import Map

SUFFIXES: Final = (".yaml", ".yml")


def load(path: str | Path, choices: Choices | None = None) -> Case:
    """Loads one case file.

    Raises:
        CaseFileError: with everything that is wrong in it.
    """
    return load_all([path], choices)[0]


def load_all(paths: Iterable[str | Path], choices: Choices | None = None) -> list[Case]:
    """Loads the cases of files, directories and globs, in that order.

    Raises:
        UsageError: a path leads to no case file.
        CaseFileError: with everything that is wrong in all of them.
    """
    choices = choices or Choices()
    problems: list[Problem] = []
    cases: list[Case] = []
    loader = _Loader(choices)
    for file in find_files(paths):
        try:
            cases.append(loader.load(file))
        except CaseFileError as exc:
            problems.extend(problem for problem in exc.problems if problem not in problems)
    if problems:
        raise CaseFileError(problems)
    return cases


def loads(text: str | bytes, *, name: str = "<text>", choices: Choices | None = None) -> Case:
    """Loads a case from YAML text, for programs that make their cases; relative paths start at the current folder."""
    loader = _Loader(choices or Choices())
    return loader.make(read(text, file=name), name, Path.cwd())


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """The case files that `paths` name: files as they are, folders recursively and sorted, globs expanded.

    In folders, files that begin with ``_`` or stand in a hidden folder are left out: they are parts for `!include`.

    Raises:
        UsageError: a path that leads to no case file.
    """
    files: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(_cases_below(path))
            if not inside:
                raise UsageError(tr("no case files (*.yaml, *.yml) in {path}", path=path))
            files.update(dict.fromkeys(inside))
        elif path.exists():
            files[path] = None
        elif glob.has_magic(str(given)):
            matches = sorted(Path(match) for match in glob.glob(str(given), recursive=True))  # noqa: PTH207 - absolute patterns too
            if not matches:
                raise UsageError(tr("no file matches {path}", path=given))
            files.update(dict.fromkeys(match for match in matches if match.is_file()))
        else:
            raise UsageError(_missing(path))
    return list(files)


def _cases_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        inner = path.relative_to(folder).parts
        if path.suffix in SUFFIXES and path.is_file() and not any(part[0] in "._" for part in inner):
            yield path


def _missing(path: Path) -> str:
    message = tr("{path} does not exist", path=path)
    folder = path.parent
    near = nearest(path.name, (entry.name for entry in folder.iterdir())) if folder.is_dir() else None
    return message + (tr(" (did you mean '{near}'?)", near=folder / near) if near else "")


class _Loader:
    """Loads case files; reads each project file once."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._projects: dict[Path, Draft | None] = {}

    def load(self, file: Path) -> Case:
        root = project_root(file)
        return self.make(read_file(file, root=root, shown=str(file)), str(file), root)

    def make(self, source: Map, file: str, root: Path) -> Case:
        found = Findings()
        found.problems.extend(_template_problems(source))
        project = self._project(root, found)
        draft = case_draft(source, found)
        config_of_case = draft.pop("config")
        config = structure(configure(project, config_of_case, self._choices, found), Config, found)
        drafts = draft.pop("steps", [])
        _check_dependencies(drafts, found)
        _check_conditions(drafts, found)
        steps = [step for each in drafts if (step := structure(each, Step, found)) is not None]
        draft.update(file=file, root=str(root))
        case = structure(draft, Case, found)
        if found.problems or config is None or case is None:
            raise CaseFileError(found.problems)
        return evolve(case, config=config, steps=tuple(steps), warnings=tuple(found.warnings))

    def _project(self, root: Path, found: Findings) -> Draft | None:
        if root not in self._projects:
            self._projects[root] = project_draft(root, found)
        return self._projects[root]


def _template_problems(source: Map) -> Iterator[Problem]:
    for path, error in check_syntax(source):
        yield Problem(Mark(*_place_of(source, path)), str(error))


def _place_of(source: Any, path: Sequence[Any]) -> Place:
    place: Place = (source.file, source.line, source.column)
    for part in path:
        if isinstance(source, dict):
            if part not in source:
                break
            place = (source.file, *source.marks[part][2:])  # type: ignore[attr-defined]
        else:
            place = (source.file, *source.marks[part])
        source = source[part]
    return place


def _check_dependencies(steps: Sequence[Draft], found: Findings) -> None:
    everywhere = {name for step in steps for name in _names_of(step)}
    before: set[str] = set()
    for step in steps:
        place = step.marks.get("depends_on", step.place)
        for name in step.get("depends_on", ()):
            if name in before:
                continue
            shown = {"step": step.get("name"), "name": name}
            if name in everywhere:
                message = tr("'{step}' depends on '{name}', which does not come before it", **shown)
                found.wrong(place, message, tr("move it down"))
            else:
                near = nearest(name, everywhere)
                hint = tr("did you mean '{near}'?", near=near) if near else None
                found.wrong(place, tr("'{step}' depends on '{name}', which is no step", **shown), hint)
        before.update(_names_of(step))


def _check_conditions(steps: Sequence[Draft], found: Findings) -> None:
    known = {problem.mark for problem in found.problems}
    for step in steps:
        for draft in (step, step["spec"], *step.get("extractors", ())):
            for key in ("skip_if", "only_if", "condition"):
                if key in draft and Mark(*(place := draft.marks[key])) not in known:
                    for _, error in check_syntax(draft[key], condition=True):
                        found.wrong(place, f"{key}: {error}")


def _names_of(step: Draft) -> list[str]:
    return [str(step[key]) for key in ("name", "id") if step.get(key) is not None]
