"""一边运行，一边读事件，并让别人实时观看。 A run whose events are read while it goes on, and that others can watch.

    python examples/embed_open_run.py

没有网络也能运行。 It needs no network.
"""

from __future__ import annotations

import sys

import trio

import sisyphus
from sisyphus.events import CaseFinished, ErrorOccurred, Progressed, StepStarted

CASE = """
name: 实时事件 live events
config:
  mock_server:
    routes:
      - path: /jobs/1
        responses: [{body: {state: running}}, {body: {state: running}}, {body: {state: done}}]
steps:
  - name: 等待任务完成 wait for the job
    url: /jobs/1
    validations: [{eq: [$.state, done]}]
    retry_policy: {max_attempts: 5, strategy: fixed, base_delay: 0.1}
  - name: 休息一下 rest
    type: wait
    seconds: 0.2
"""


async def main() -> int:
    # 端口 0 表示任意空闲端口；不写 live 就没有服务器。 Port 0 is any free one; without `live` there is no server.
    live = sisyphus.LiveSettings(host="127.0.0.1", port=0)

    with trio.fail_after(60):
        # 离开 async with 之前会等运行结束；取消它就像按下 Ctrl-C。
        # Leaving the block waits for the end of the run; cancelling it is like pressing Ctrl-C.
        async with sisyphus.open_run(sisyphus.loads(CASE, name="live.yaml"), live=live) as run:
            if run.serving is not None:
                print(f"watch it at {run.serving.url}")
            async for event in run.events:
                show(event.data)
                # 想提前结束就调用 run.cancel()。 To end it early: run.cancel()

    print(f"result: {run.result.status}")
    return run.result.exit_code


def show(data: object) -> None:
    # 八种事件，每种一个类，见 sisyphus.events。 Eight types of events, a class each: see sisyphus.events.
    match data:
        case StepStarted(step_name=name, step_index=index, total_steps=total):
            print(f"[{index + 1}/{total}] {name}")
        case Progressed(percentage=percentage, estimated_remaining=remaining):
            print(f"      {percentage:.0f} %, about {remaining or 0:.1f} s left")
        case ErrorOccurred(message=message, suggestion=suggestion):
            print(f"      {message} → {suggestion}")
        case CaseFinished(status=status, duration=duration):
            print(f"{status} in {duration:.1f} s")
        case _:
            pass


if __name__ == "__main__":
    sys.exit(trio.run(main))
