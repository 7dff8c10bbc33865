"""读取用例、检查用例、改动用例再运行。 Cases loaded, checked, changed and run.

    python examples/embed_load.py

没有网络也能运行。 It needs no network.
"""

from __future__ import annotations

import sys
from pathlib import Path

import trio
from attrs import evolve

import sisyphus
from sisyphus.errors import CaseFileError

CASE = Path(__file__).with_name("01_最简案例.yaml")

WRONG = """
name: 有两处错误 two mistakes
steps:
  - name: 查询 look up
    metod: GET
    url: /users/1
    validations:
      - equls: [$.id, 1]
"""


def main() -> int:
    # 读取时就检查整个文件；用例是不可变的值。 Loading checks the whole file; a case is an immutable value.
    case = sisyphus.load(CASE)
    print(f"{case.file}: {case.name}, {len(case.steps)} step(s)")

    # 所有错误一次报告，每个都带位置和提示。 All mistakes are told at once, each with its place and a hint.
    try:
        sisyphus.loads(WRONG, name="wrong.yaml")
    except CaseFileError as error:
        for problem in error.problems:
            print(f"{problem.mark.file}, line {problem.mark.line}: {problem.message} ({problem.hint})")
    else:
        return 1

    # 用 attrs.evolve 得到改过的副本，然后运行。 attrs.evolve gives a changed copy, which can be run.
    thrice = evolve(case, name=f"{case.name} ×3", steps=case.steps * 3)
    result = trio.run(sisyphus.run, [case, thrice])
    for outcome in result.cases:
        print(f"{outcome.name}: {outcome.status}, {outcome.passed_steps} step(s)")
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main())
