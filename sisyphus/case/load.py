"""Files to cases, with all problems of all files at once."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve

from sisyphus.case._circles import check_circles
from sisyphus.case._configuring import EnvVars, Profile, is_profile
from sisyphus.case._merging import merge_drafts
from sisyphus.case._overriding import COMMAND_LINE, command_line_wins
from sisyphus.case._rendering import check_templates
from sisyphus.case._retrying import completed, settled
from sisyphus.case._used_files import check_mock_files, check_step_files
from sisyphus.case.dialect import HOOKS, case_draft
from sisyphus.case.draft import ANYTHING, Draft, Findings
from sisyphus.case.finding import find_files
from sisyphus.case.model import Case, Config, Step
from sisyphus.case.project import FUNCTIONS_FILE, Choices, configure, project_draft, project_root, shown_path
from sisyphus.case.structure import structure
from sisyphus.case.yaml import read, read_file
from sisyphus.errors import CaseFileError, Problem, UsageError, nearest
from sisyphus.steps import STEP_TYPES
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sisyphus.case.draft import Callables
    from sisyphus.case.model import DataSource, Function
    from sisyphus.case.project import Configuration
    from sisyphus.case.yaml import Map

__all__ = ["find_files", "load", "load_all", "loads"]


_TITLES: Final = frozenset({"name", "version", "author"})  # of config, which are shown as they are


def load(path: str | Path, choices: Choices | None = None) -> Case:
    """Loads one case file.

    Raises:
        UsageError: there is no such file, or `choices` ask for what cannot be.
        CaseFileError: with everything that is wrong in it.
    """
    cases = load_all([path], choices)
    if len(cases) > 1:
        raise UsageError(tr("{path} holds {count} cases; load_all() loads them", path=path, count=len(cases)))
    return cases[0]


def load_all(paths: Iterable[str | Path], choices: Choices | None = None) -> list[Case]:
    """Loads the cases of files, directories and globs, in that order.

    Raises:
        UsageError: a path leads to no case file, or `choices` ask for what cannot be.
        CaseFileError: with everything that is wrong in all of them.
    """
    loader = _Loader(choices or Choices())
    problems: dict[Problem, None] = {}
    cases: list[Case] = []
    for file in find_files(paths):
        try:
            cases.append(loader.load(file))
        except CaseFileError as exc:
            problems.update(dict.fromkeys(exc.problems))
    if problems:
        raise _error_of(problems)
    return cases


def loads(text: str | bytes, *, name: str = "<text>", choices: Choices | None = None) -> Case:
    """Loads a case from YAML text, for programs that make their cases; relative paths start at the current folder.

    Raises:
        UsageError: `choices` ask for what cannot be.
        CaseFileError: with everything that is wrong in it.
    """
    root = project_root(Path.cwd() / "case")
    try:
        return _Loader(choices or Choices()).make(read(text, file=name, root=root), name, root)
    except CaseFileError as exc:
        raise _error_of(exc.problems) from None


def _error_of(problems: Iterable[Problem]) -> UsageError | CaseFileError:
    """What stands on the command line is no fault of a file."""
    wrong = [problem for problem in problems if problem.mark.file == COMMAND_LINE]
    if not wrong:
        return CaseFileError(problems)
    hints = [f" ({problem.hint})" if problem.hint else "" for problem in wrong]
    return UsageError("\n".join(f"{COMMAND_LINE}: {one.message}{hint}" for one, hint in zip(wrong, hints, strict=True)))


class _Loader:
    """Loads case files; reads each project file once."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._roots: dict[Path, Path] = {}
        self._projects: dict[Path, Draft | None] = {}
        self._has_functions: dict[Path, bool] = {}
        self._functions: dict[Path, Mapping[str, Function] | None] = {}

    def load(self, file: Path) -> Case:
        root = self._roots.get(file.parent)
        if root is None or file.is_symlink():
            root = self._roots[file.parent] = project_root(file)
        return self.make(read_file(file, root=root, shown=str(file)), str(file), root)

    def make(self, source: Map, file: str, root: Path) -> Case:
        found = Findings()
        found.callables = self._callables_of(root, found)
        project = self._project(root, found)
        draft = case_draft(source, found)
        check_templates(draft["config"], found, besides=_TITLES)
        for part in ("setup", "steps", "teardown"):
            for step in draft.get(part, ()):
                check_templates(step, found)
        configuration = configure(project, draft.pop("config"), self._choices, found)
        written = source.get("config")
        own = written.get("variables") if isinstance(written, dict) else None
        variables = configuration.draft.get("variables", {})
        check_circles(variables, configuration.draft.place_of("variables"), own, found)
        data = _data(configuration, file, root, found)
        config = _config(configuration, Path(file).parent, root, found)
        hooks = {key: _hooks(draft.pop(key, None), key, configuration) for key in HOOKS}
        lists = {"steps": draft.pop("steps"), **hooks}
        for drafts in lists.values():
            check_step_files(drafts, Path(file).parent, root, found)
        steps, setup, teardown = (_steps(drafts, configuration, found) for drafts in lists.values())
        draft.update(file=file, root=str(root))
        draft.setdefault("tags", configuration.draft.get("tags", []))
        case = structure(draft, Case, found)
        if found.problems or config is None or case is None:
            raise CaseFileError(dict.fromkeys(found.problems))
        functions = found.callables.functions if found.callables is not None else {}
        return evolve(
            case, config=_with_functions(config, functions), data=data, setup=setup, steps=steps, teardown=teardown, functions=functions,
            warnings=tuple(found.warnings),
        )  # fmt: skip

    def _callables_of(self, root: Path, found: Findings) -> Callables | None:
        """What templates may call where the project has functions of its own; None elsewhere."""
        path = root / FUNCTIONS_FILE
        if root not in self._has_functions:
            self._has_functions[root] = path.is_file()
        if not self._has_functions[root]:
            return None
        from sisyphus.case.functions import Callables, project_functions

        if root not in self._functions:
            self._functions[root] = project_functions(path, shown_path(path), found)
        return Callables(self._functions[root])

    def _project(self, root: Path, found: Findings) -> Draft | None:
        if root not in self._projects:
            self._projects[root] = project = project_draft(root, found)
            if project is not None:
                check_templates(project, found, besides=_TITLES)
        return self._projects[root]


def _data(configuration: Configuration, file: str, root: Path, found: Findings) -> DataSource | None:
    if configuration.draft.keys().isdisjoint({"data_source", "data_iterations", "variable_prefix"}):
        return None
    from sisyphus.case._data import data_source

    return data_source(configuration.draft, file, root, configuration.above, found)


def _config(configuration: Configuration, folder: Path, root: Path, found: Findings) -> Config | None:
    draft = configuration.draft
    for profile in _profiles(draft.get("profiles", Draft(draft.place))):
        structure(profile, Profile, found)
    if "env_vars" in draft:
        structure(draft["env_vars"], EnvVars, found)
    if "output" in draft:
        from sisyphus.case._reporting import check_output

        check_output(draft, found)
    if "retry" in draft:
        # A copy: the steps adjust what is written, not what it is completed to.
        draft = merge_drafts(draft)
        draft["retry"] = completed(draft["retry"])
    if draft.get("mock_server") is not None:
        check_mock_files(draft["mock_server"], folder, root, found)
    config = structure(draft, Config, found)
    if config is None or config.mock_server is None:
        return config
    mock = evolve(
        config.mock_server, seed=config.seed, faker_locale=config.faker_locale, folder=str(folder), root=str(root)
    )  # fmt: skip
    return evolve(config, mock_server=mock)


def _with_functions(config: Config, functions: Mapping[str, Function]) -> Config:
    if config.mock_server is None or not functions:
        return config
    return evolve(config, mock_server=evolve(config.mock_server, functions=functions))


def _profiles(group: Draft) -> list[Draft]:
    inner = [value for value in group.values() if isinstance(value, Draft)]
    found = [value for value in inner if is_profile(value)]
    return found + [profile for value in inner if not is_profile(value) for profile in _profiles(value)]


def _hooks(own: list[Draft] | None, key: str, configuration: Configuration) -> list[Draft]:
    """What the case does before or after its steps; its own list wins over the one in the settings."""
    # Those of the project file are completed for each case anew.
    return copy.deepcopy(configuration.draft.get(key, [])) if own is None else own


def _steps(drafts: Sequence[Draft], configuration: Configuration, found: Findings) -> tuple[Step, ...]:
    _settle(drafts, configuration, found, {}, frozenset())
    steps = [structure(draft, Step, found) for draft in drafts if "spec" in draft]
    return tuple(step for step in steps if step is not None)


def _settle(
    drafts: Sequence[Draft], configuration: Configuration, found: Findings, ids: dict[str, int], before: frozenset[str]
) -> None:
    """Gives steps, and the steps inside them, what the settings say; notes names that lead nowhere."""
    _check_names(drafts, found, ids, before)
    command_line = configuration.command_line
    for draft in drafts:
        if "spec" not in draft:
            continue  # a problem already
        command_line_wins(draft, command_line)
        retry = settled(configuration.draft.get("retry"), draft.pop("retry", None), command_line.get("retry"))
        if retry is not None:
            draft["retry"] = retry
        for inner in _inner_lists(draft):
            _settle(inner, configuration, found, ids, before)
        before |= {*_names_of(draft)}


def _inner_lists(step: Draft) -> list[list[Draft]]:
    spec: Draft = step["spec"]
    hooks = [step[key] for key in HOOKS if key in step]
    return hooks + [spec[key] for key in STEP_TYPES[step["type"]].INNER if key in spec]


def _check_names(steps: Sequence[Draft], found: Findings, ids: dict[str, int], outer: frozenset[str]) -> None:
    """Notes ids that two steps have, and `depends_on` where it names no step that comes before.

    Args:
        steps: those of one list.
        found: where problems go.
        ids: the ids so far, of the whole case, with their lines.
        outer: the names of the steps that come before the one around.
    """
    everywhere = {name for step in steps for name in _names_of(step)} | outer
    complete = all(map(_is_named, steps))  # otherwise one whose name is wrong may be the one that is meant
    before = set(outer)
    for step in steps:
        wanted = step.get("depends_on", ())
        for index, name in enumerate(wanted):
            if name not in before and (complete or name in everywhere):
                message, hint = _missing(step, name, everywhere)
                found.wrong((wanted.file, *wanted.marks[index]), message, hint)
        before.update(_names_of(step))
        if isinstance(id_ := step.get("id"), str):
            place = step.place_of("id")
            if id_ in ids:
                message = tr("the step on line {line} has the id '{id}' too", id=id_, line=ids[id_])
                found.wrong(place, message, tr("give each step an id of its own"))
            ids.setdefault(id_, place[1])


def _is_named(step: Draft) -> bool:
    rightly = "name" in step and "spec" in step and step.meant.isdisjoint({"name", "id", ANYTHING})
    return rightly and not any(isinstance(step.get(key), dict | list) for key in ("name", "id"))


def _missing(step: Draft, name: str, everywhere: set[str]) -> tuple[str, str | None]:
    shown = {"step": step.get("name"), "name": name}
    if name in _names_of(step):
        return tr("'{name}' depends on itself", name=name), tr("name a step that comes before it")
    if name in everywhere:
        return tr("'{step}' depends on '{name}', which does not come before it", **shown), tr("move it down")
    near = nearest(name, everywhere)
    hint = tr("did you mean '{near}'?", near=near) if near else None
    return tr("'{step}' depends on '{name}', which is no step", **shown), hint


def _names_of(step: Draft) -> list[str]:
    return [str(step[key]) for key in ("name", "id") if step.get(key) is not None]
