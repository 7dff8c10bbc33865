"""`script`: runs Python in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import frozen

from sisyphus.case._files import SIZE_LIMIT, UnreadableError, bytes_of
from sisyphus.case._shapes import example, expected, require, texts
from sisyphus.case.draft import spellings
from sisyphus.case.model import NOWHERE, StepSpec
from sisyphus.errors import FieldError, Mark, ScriptError
from sisyphus.files import shown_as
from sisyphus.scripts.program import NoPython, Text, compiled
from sisyphus.steps.protocol import Outcome
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings
    from sisyphus.scripts.messages import LogSaid, VariableSaid
    from sisyphus.scripts.process import Job
    from sisyphus.scripts.program import Program
    from sisyphus.steps.protocol import StepContext


@frozen(kw_only=True, eq=False, repr=False)
class Script(StepSpec):
    """What a `script` step runs.

    Attributes:
        text: the script itself, a `sisyphus.scripts.program.Text`; None if it stands in `script_file`.
        script_file: its path, which may be a template.
        args: what the script finds as `args`.
        allow_imports: whether it may import what is installed beside the engine too, or which modules alone.
    """

    text: Any = None
    script_file: str | None = None
    args: Any = None
    allow_imports: Any = None
    where: Mark = NOWHERE


SPEC: Final = Script
KEYS: Final = spellings(
    "script", "script_file", "script_type", "args", "allow_imports",
    code="script", source="script_file", file="script_file", script_path="script_file", language="script_type",
)  # fmt: skip
INNER: Final = ()
DEFAULT_LIMIT: Final = True
ANSWERS: Final = True

_PYTHON: Final = frozenset({"python", "python3", "py"})
# Of the names that templates know these are no variables.
_NO_VARIABLES: Final = frozenset({"config", "env", "mock", "profile", "response", "steps"})


def finish(draft: Draft, found: Findings) -> Draft:
    """Completes a script whose keys are the model's already, and reads it: what is no Python is a problem of the file.

    One in a file of its own is read by `check_file`.
    """
    draft["where"] = Mark(*draft.place)
    written = draft.pop("script_type", "python")
    if str(written).lower() not in _PYTHON:
        message = tr("script_type: there is only python, got '{value}'", value=written)
        found.wrong(draft.place_of("script_type"), message, tr("remove it"))
    if draft.get("script") is not None and draft.get("script_file") is not None:
        keys = {"one": draft.key_of("script"), "other": draft.key_of("script_file")}
        message = tr("a script stands in '{one}' or in the file '{other}', but both are given", **keys)
        found.wrong(draft.place_of("script_file"), message, tr("keep one of them"))
        if isinstance(draft["script_file"], str):
            draft.discard("script_file")
    elif draft.get("script_file") is None and require(
        draft, "script", tr("a script step needs a script"), "script: set_var('total', 3)", found
    ):
        draft["text"] = _text(draft, found)
    draft.pop("script", None)
    if "allow_imports" in draft:
        draft["allow_imports"] = _allowed(draft, found)
    return draft


def _text(draft: Draft, found: Findings) -> Text | None:
    source, (file, line, column) = draft["script"], draft.place_of("script")
    if not isinstance(source, str):
        found.wrong(draft.place_of("script"), f"{draft.key_of('script')}: {expected(tr('text'), source)}")
        return None
    indent = draft.indent_of("script")
    text = (
        Text(source=source, file=file, line=line, column=column - 1, exact=False)
        if indent is None
        else Text(source=source, file=file, line=line + 1, column=indent)
    )
    _check(text, found)
    return text


def _check(text: Text, found: Findings) -> None:
    try:
        program = compiled(text)
    except NoPython as exc:
        hint = tr("templates are not rendered in scripts: use get_var('name')") if "${" in text.source else None
        found.wrong((text.file, exc.line, exc.column), tr("this is not Python: {reason}", reason=exc), hint)
    else:
        for line, message in program.warnings:
            found.warn((text.file, line, text.column + 1), message)


def check_file(path: Path, written: Path, found: Findings) -> None:
    """Finds mistakes in the script's file before anything runs.

    Args:
        path: the file.
        written: where its path leads from the case file, which is how it is called if that is the same file.
        found: where problems go.
    """
    try:
        source = bytes_of(path, SIZE_LIMIT).decode("utf-8-sig")
    except (UnreadableError, UnicodeDecodeError):
        return  # running it will tell
    _check(Text(source=source, file=shown_as(path, written)), found)


def _allowed(draft: Draft, found: Findings) -> bool | tuple[str, ...] | None:
    value, place = draft["allow_imports"], draft.place_of("allow_imports")
    if value is None or isinstance(value, bool):
        return () if value is False else value
    names = texts(value, place, "allow_imports", found)
    for name, mark in zip(names, names.marks, strict=True):
        if not all(part.isidentifier() for part in name.split(".")):
            message = tr("allow_imports: '{name}' is no name of a module", name=name)
            found.wrong((names.file, *mark), message, example("allow_imports: [decimal, xml.etree]"))
    return tuple(names)


async def execute(spec: Script, context: StepContext) -> Outcome:
    """Runs the script; what it logs and sets is told while it runs.

    Cancelled, it has ended the script and all that the script started, and has removed its folder, before it lets
    the cancellation go on.
    """
    from sisyphus.scripts.explain import explained
    from sisyphus.scripts.messages import Ended, LogSaid
    from sisyphus.scripts.process import CannotStart, run_script

    program = await _program(spec, context)
    exported: dict[str, Any] = {}

    async def hear(said: LogSaid | VariableSaid) -> None:
        if isinstance(said, LogSaid):
            await context.log(said.level, said.message)
        else:
            exported[said.name] = said.value
            await context.set(said.name, said.value)

    began = trio.current_time()
    try:
        heard = await run_script(_job(spec, program, context), hear)
    except CannotStart as exc:
        raise ScriptError(str(exc)) from exc
    ending = explained(heard, program.text)
    ended = heard.end if isinstance(heard.end, Ended) and ending.error is None else None
    for name, value in (ended.exported if ended is not None else {}).items():
        exported[name] = value
        await context.set(name, value)
    view = {
        "output": heard.output.text,
        "stderr": heard.errors.text,
        "return_value": ended.value if ended is not None else None,
        "exported_variables": exported,
        "elapsed": trio.current_time() - began,
    }
    return Outcome(view=view, failure=ending.failure, error=ending.error, warnings=ending.warnings)


async def _program(spec: Script, context: StepContext) -> Program:
    """The script as code; one whose file is named by a template is first read here."""
    if spec.text is not None:
        return compiled(spec.text)
    written = str(context.render_whole(spec.script_file))
    path = context.resolve_file(written)
    try:
        source = (await trio.Path(path).read_bytes()).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise FieldError(tr("cannot read {path}: {reason}", path=written, reason=exc)) from exc
    file = shown_as(path, Path(context.case.file).parent / written)
    try:
        return compiled(Text(source=source, file=file))
    except NoPython as exc:
        message = tr("this is not Python: {reason}", reason=exc)
        raise FieldError(f"{Mark(file, exc.line, exc.column)}: {message}") from exc


def _job(spec: Script, program: Program, context: StepContext) -> Job:
    from sisyphus.scripts.process import Job

    names, variables = context.names, context.variables
    return Job(
        program=program,
        variables={
            name: value
            for name, value in names.items()
            if name in variables or not (callable(value) or name in _NO_VARIABLES)
        },
        args=context.render(spec.args),
        response=names.get("response"),
        imports=spec.allow_imports,
        folders=_module_folders(program.text.file) if spec.allow_imports is not None else (),
        seconds=trio.current_effective_deadline() - trio.current_time(),
    )


def _module_folders(file: str) -> list[str]:
    """Where a script finds modules: beside its file, and what is installed beside the engine."""
    import sysconfig

    installed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return list(dict.fromkeys([str(Path(file).parent.resolve()), *installed]))
