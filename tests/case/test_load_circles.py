from __future__ import annotations

import pytest

from sisyphus.case.load import loads
from sisyphus.errors import CaseFileError


def problems_of(variables: str) -> list[str]:
    with pytest.raises(CaseFileError) as refused:
        loads(f"name: x\nconfig:\n  variables:\n{variables}steps: []\n", name="x.yaml")
    return [str(problem) for problem in refused.value.problems]


def test_a_circle_of_variables_is_shown_where_it_begins() -> None:
    variables = '    ok: 1\n    a: "${b}"\n    b: {inner: ["x${c.d}"]}\n    c: "${a}"\n'
    assert problems_of(variables) == ["x.yaml:5:5: variables refer to each other in a circle: a → b → c → a"]


def test_a_variable_that_needs_itself_is_a_circle() -> None:
    assert problems_of('    a: "${a}"\n') == ["x.yaml:4:5: variables refer to each other in a circle: a → a"]


@pytest.mark.parametrize(
    "variables", ['uuid: "${uuid()}"', 'env: "${env.HOME}"', '{a: "${b}", b: "${c}", c: 1, d: "${a}${b}${c}"}']
)
def test_what_only_looks_like_a_circle_is_none(variables: str) -> None:
    assert loads(f"name: x\nconfig:\n  variables:\n    {variables}\nsteps: []\n").name == "x"


def test_a_chain_of_any_length_is_no_circle() -> None:
    chain = "".join(f'    v{n}: "${{v{n + 1}}}"\n' for n in range(3000))
    assert loads(f"name: x\nconfig:\n  variables:\n{chain}    v3000: 1\nsteps: []\n").name == "x"
