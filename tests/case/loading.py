"""Loads cases from text, as these tests write them."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from attrs import evolve

from sisyphus.case.load import loads
from sisyphus.case.model import NOWHERE, Case, Check, Config, Extractor, Step
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError

NAME = "c.yaml"


def case(text: str, *, environ: dict[str, str] | None = None, **choices: Any) -> Case:
    """The case that a whole file means; the environment of this process has no say in it."""
    return loads(textwrap.dedent(text), name=NAME, choices=Choices(environ=environ or {}, **choices))


def config(text: str, **choices: Any) -> Config:
    """What stands under `config` means."""
    return case("name: c\nsteps: []\nconfig:\n" + _indented(text, 2), **choices).config


def step(text: str, **choices: Any) -> Step:
    """What one step means, whose name and type are in `text`."""
    (only,) = case("name: c\nsteps:\n  -\n" + _indented(text, 4), **choices).steps
    return only


def request(text: str, **choices: Any) -> Any:
    """What a request step sends; `text` has the rest of it."""
    return step("name: s\nurl: /x\n" + textwrap.dedent(text), **choices).spec


def checks(text: str) -> list[Check]:
    """Validations without their places."""
    return [_without_place(check) for check in step("name: s\nurl: /x\nvalidations:\n" + _indented(text, 2)).checks]


def extractors(text: str) -> list[Extractor]:
    """Extractors without their places."""
    found = step("name: s\nurl: /x\nextractors:\n" + _indented(text, 2)).extractors
    return [evolve(extractor, where=NOWHERE) for extractor in found]


def problems(text: str, **choices: Any) -> list[str]:
    """All that is wrong in a whole file, without the file's name: ``line:column: message``."""
    with pytest.raises(CaseFileError) as caught:
        case(text, **choices)
    return [str(problem).removeprefix(f"{NAME}:") for problem in caught.value.problems]


def problem(text: str, **choices: Any) -> str:
    """The one thing that is wrong in a whole file."""
    (only,) = problems(text, **choices)
    return only


def _indented(text: str, width: int) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * width) + "\n"


def _without_place(check: Check) -> Check:
    return evolve(check, where=NOWHERE, checks=tuple(map(_without_place, check.checks)))
