"""在自己的程序里运行一个用例。 A case run from a program of your own.

    python examples/embed_run.py

没有网络也能运行：用例自带模拟服务。 It needs no network: the case brings its own server.
"""

from __future__ import annotations

import sys
from pathlib import Path

import trio

import sisyphus

CASE = Path(__file__).with_name("02_GET与POST及变量提取.yaml")


async def main() -> int:
    # 结果是不可变的值；失败不是异常。 The result is an immutable value; a failure is no exception.
    result = await sisyphus.run(CASE, jobs=4)

    for case in result.cases:
        print(f"{case.name}: {case.status}, {case.passed_steps}/{case.total_steps}, {case.duration:.3f} s")
        for step in case.steps:
            print(f"  {step.status:<8} {step.name}")
            if step.error is not None:
                # 每个错误都说明出了什么问题，以及该怎么办。 Every error says what is wrong, and what to do.
                print(f"           {step.where}: {step.error.message}")
                print(f"           → {step.error.suggestion}")
            for name, value in step.extracted.items():
                print(f"           {name} = {value!r}")

    # 与命令行相同的退出码。 The exit code that the command line would give.
    return result.exit_code


if __name__ == "__main__":
    # 也可以只写一行。 One line would do, too: result = trio.run(sisyphus.run, CASE)
    sys.exit(trio.run(main))
