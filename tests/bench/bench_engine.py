"""Start-up, requests, loading, and waiting that is shared."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.cases import STEP_LINES, many_cases, requests_case
from tests.bench.harness import Figure, engine, folder, in_turn, medians, nginx, slow_server, wall_time

BARE = str(Path(__file__).parent / "bare_requests.py")


def start_up() -> Iterator[Figure]:
    with nginx() as url, folder() as home:
        case = requests_case(home / "one.yaml", url, 1)
        ours, imports = medians(
            in_turn(
                15,
                lambda: wall_time(engine("--cases", str(case))),
                lambda: wall_time([sys.executable, "-c", "import trio, httpx"]),
            )
        )
    yield Figure(
        name="whole process, one step",
        measured=f"{ours * 1000:.0f} ms",
        comparison=f'{imports * 1000:.0f} ms: `python -c "import trio, httpx"`',
        ratio=f"{ours / imports:.2f}",
        promised="≤ 2.0",
        kept=ours / imports <= 2.0,
    )


def five_hundred_requests() -> Iterator[Figure]:
    with nginx() as url, folder() as home:
        case = requests_case(home / "many.yaml", url, 500)
        ours, bare = medians(
            in_turn(
                9,
                lambda: wall_time(engine("--cases", str(case))),
                lambda: wall_time([sys.executable, BARE, url, "500"]),
            )
        )
    yield Figure(
        name=f"whole process, 500 GET steps ({500 * STEP_LINES:,} lines), nginx",
        measured=f"{ours:.3f} s",
        comparison=f"{bare:.3f} s: 500 GETs by httpx on trio",
        ratio=f"{ours / bare:.2f}",
        promised="≤ 1.6",
        kept=ours / bare <= 1.6,
    )


LOADING = """
import gc, sys, time
from pathlib import Path
path = Path(sys.argv[1])
text = path.read_text()
def ours():
    from sisyphus.case.load import load
    load(path)
def strictyaml():
    import strictyaml
    strictyaml.dirty_load(text, allow_flow_style=True)
{which}.__call__  # imports are not what is measured
import sisyphus.case.load, sisyphus.case.structure, sisyphus.steps.request, strictyaml as _
began = time.perf_counter()
{which}()
print(time.perf_counter() - began)
"""


def loading() -> Iterator[Figure]:
    import subprocess

    def measured(which: str, path: Path) -> float:
        command = [sys.executable, "-c", LOADING.format(which=which), str(path)]
        return float(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)

    with folder() as home:
        case = requests_case(home / "many.yaml", "http://127.0.0.1:9", 500)
        ours, strict = medians(
            in_turn(5, lambda: measured("ours", case), lambda: measured("strictyaml", case)),
        )
    yield Figure(
        name=f"loading {500 * STEP_LINES:,} lines to a case ready to run",
        measured=f"{ours * 1000:.0f} ms",
        comparison=f"{strict * 1000:.0f} ms: StrictYAML's `load`",
        ratio=f"{strict / ours:.1f} × faster",
        promised="≥ 20 × faster",
        kept=strict / ours >= 20,
    )


def shared_waiting() -> Iterator[Figure]:
    with slow_server(0.02) as url, folder() as home:
        one = requests_case(home / "one.yaml", url, 1)
        many = home / "many"
        many.mkdir()
        many_cases(many, url, 100, 5)
        hundred, single = medians(
            in_turn(
                9,
                lambda: wall_time(engine("--cases", str(many), "--jobs", "100")),
                lambda: wall_time(engine("--cases", str(one))),
            )
        )
    yield Figure(
        name="100 cases × 5 steps, answers after 20 ms, `--jobs 100`",
        measured=f"{hundred:.3f} s",
        comparison=f"{single:.3f} s: one step",
        ratio=f"+ {hundred - single:.3f} s",
        promised="≤ + 0.8 s",
        kept=hundred - single <= 0.8,
    )
