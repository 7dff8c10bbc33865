"""The files that a case is made of besides its own: those that are not there are problems before anything runs.

What a step works on (uploads, certificates, databases) is not looked for: the run may be what makes it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._expecting import check_expectation, constant
from sisyphus.case._files import SIZE_LIMIT, UnreadableError, bytes_of
from sisyphus.case.draft import Draft
from sisyphus.case.yaml import Map
from sisyphus.errors import FieldError
from sisyphus.files import file_inside, shown_as
from sisyphus.steps import STEP_TYPES
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sisyphus.case.draft import Findings, Place

HOOKS: Final = ("setup", "teardown")


def check_mock_files(draft: Draft, folder: Path, root: Path, found: Findings) -> None:
    """Notes files of a mock server's answers that are not there, as far as that is known before anybody asks."""
    for answer in _all_answers(draft):
        _look_for(answer.get("file"), answer.place_of("file"), folder, root, found)


def check_step_files(steps: Iterable[Draft], folder: Path, root: Path, found: Findings) -> None:
    """Notes files of steps that are not there, and what can be seen to be wrong in them."""
    for step in steps:
        if "spec" not in step or step.get("enabled") is False:
            continue
        for value, place in _files_of(step):
            _look_for(value, place, folder, root, found)
        for written, place in _schemas(step.get("checks", ())):
            path = _look_for(written, place, folder, root, found)
            if path is not None:
                _check_schema(path, shown_as(path, folder / written), found)
        spec = step["spec"]
        if step["type"] == "script" and spec.get("script_file") is not None:
            written = spec["script_file"]
            path = _look_for(written, spec.place_of("script_file"), folder, root, found)
            if path is not None:
                from sisyphus.steps.script import check_file

                check_file(path, folder / written, found)
        inner = [step[key] for key in HOOKS if key in step]
        for steps_inside in inner + [spec[key] for key in STEP_TYPES[step["type"]].INNER if key in spec]:
            check_step_files(steps_inside, folder, root, found)


def _files_of(step: Draft) -> Iterator[tuple[Any, Place]]:
    """The paths of a step's own answers and of rows."""
    spec = step["spec"]
    request = spec["request"] if isinstance(spec.get("request"), Draft) else spec  # that of a poll stands inside
    if isinstance(mock := request.get("mock"), Draft):
        for choice in mock["choices"]:
            for answer in choice["responses"]:
                yield answer.get("file"), answer.place_of("file")
    if step["type"] == "loop" and spec.get("rows"):
        rows = spec.get("items")
        if isinstance(rows, Map):
            if "file_path" in rows:
                yield rows["file_path"], (rows.file, *rows.marks["file_path"][2:])
        else:
            yield rows, spec.place_of("items")


def _schemas(checks: Iterable[Draft]) -> Iterator[tuple[Any, Place]]:
    for check in checks:
        if check.get("op") == "schema":
            yield check.get("expect"), check.place_of("expect")
        yield from _schemas(part for part in check.get("checks") or () if isinstance(part, Draft))


def _check_schema(path: Path, shown: str, found: Findings) -> None:
    try:
        schema = json.loads(bytes_of(path, SIZE_LIMIT))
    except UnreadableError:
        return  # running it will tell
    except json.JSONDecodeError as exc:
        message = tr("this is no JSON: {reason}", reason=exc.msg)
        hint = tr("a schema's file is JSON; one written in YAML is taken in by schema: !include PATH")
        found.wrong((shown, exc.lineno, exc.colno), message, hint)
    except (UnicodeDecodeError, RecursionError) as exc:
        found.wrong((shown, 1, 1), tr("this is no JSON: {reason}", reason=exc))
    else:
        check_expectation("schema", schema, (shown, 1, 1), found)


def _look_for(written: Any, place: Place, folder: Path, root: Path, found: Findings) -> Path | None:
    """The file; None if its path is not known yet, or if there is none, which is a problem."""
    if not isinstance(written, str) or not constant(written):
        return None
    try:
        return file_inside(written, folder=folder, root=root)
    except FieldError as exc:
        found.wrong(place, str(exc), exc.suggestion)
        return None


def _all_answers(draft: Draft) -> Iterator[Draft]:
    for route in draft.get("routes", ()):
        yield from route["responses"]
        if isinstance(route.get("else_response"), Draft):
            yield route["else_response"]
    if isinstance(draft.get("default_response"), Draft):
        yield draft["default_response"]
