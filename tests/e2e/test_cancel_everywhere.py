"""Ctrl-C at random moments of a run that does everything at once: all is told and taken down, and nothing is left."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import trio
from cancelling import check, hooks_of
from leftovers import entries, processes_of
from programs import running

from sisyphus.steps import STEP_TYPES

ROUNDS = int(os.environ.get("SISYPHUS_CANCEL_ROUNDS", "2"))
GONE = 10.0  # seconds in which an interrupted run has to be gone

SCRIPT = """
import os, subprocess, time
if os.fork() == 0:
    os.setsid()
    time.sleep(30)
    os._exit(0)
open("file", "w").write("x")
subprocess.run(["sleep", "30"])
"""
COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000000) SELECT max(x) FROM c"


def hooks(name: str) -> dict[str, Any]:
    """A setup and a teardown, of which one runs a script and one asks the mock server."""
    up = {"name": f"{name} up", "type": "print", "message": "up"}
    down = [
        {"name": f"{name} down", "type": "script", "script": "log('down')"},
        {"name": f"{name} out", "url": "/fast"},
    ]
    return {"setup": [up], "teardown": down}


def case(name: str, draw: random.Random) -> str:
    database = {"type": "sqlite", "path": "data.db"}
    kinds: dict[str, dict[str, Any]] = {
        "script": {"type": "script", "script": SCRIPT},
        "request": {"type": "request", "url": "/slow"},
        "wait": {"type": "wait", "seconds": 0.3},
        "database": {"type": "database", "database": database, "operation": "query", "sql": COUNT},
        "load": {"url": "/slow", "parallel": {"threads": 50, "iterations": 5}},
    }
    parts = [kind for kind in kinds if kind in STEP_TYPES]
    steps = []
    for number in range(4):
        kind = draw.choice(parts)
        steps.append({"name": f"{kind} {number}", **kinds[kind], **hooks(f"{kind} {number}")})
    if "concurrent" in STEP_TYPES:
        inner = [{"name": f"inner {kind}", **kinds[kind], **hooks(f"inner {kind}")} for kind in parts]
        steps.insert(draw.randint(0, 1), {"name": "all", "type": "concurrent", "concurrent_steps": inner})
    steps.append({"name": "rest", "type": "wait", "seconds": 1000})  # nothing of it ends before the signal
    routes = [{"path": "/slow", "response": {"body": {}, "delay": 0.3}}, {"path": "/fast", "response": {"body": {}}}]
    config = {"mock_server": {"routes": routes}, "timeout": 20}
    return json.dumps({"name": name, "config": config, **hooks(name), "steps": steps})


async def until_begun(log: Path) -> None:
    while not log.exists() or "test_start" not in log.read_text(encoding="utf-8"):  # noqa: ASYNC110, ASYNC240 - a file tells nobody
        await trio.sleep(0.02)


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_an_interrupted_run_of_everything_leaves_nothing(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    cases = {name: case(name, draw) for name in ("a", "b", "c")}
    for name, text in cases.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    temporary, log = tmp_path / "tmp", tmp_path / "events.jsonl"
    temporary.mkdir()
    arguments = [
        *(f"{name}.yaml" for name in cases),
        "--event-log",
        log,
        "-o",
        "result.json",
        "--ws-server",
        "--ws-port",
        0,
    ]
    async with running(*arguments, cwd=tmp_path, env={"TMPDIR": str(temporary)}) as underway:
        await until_begun(log)
        await trio.sleep(draw.uniform(0, 1.5))
        began = time.monotonic()
        underway.interrupt(signal.SIGINT)
        done = await underway.done()
        took = time.monotonic() - began

    assert done.code == 130, done
    assert took < GONE
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err
    assert (processes_of(temporary), entries(temporary)) == ([], [])
    assert [name for name in os.listdir(tmp_path) if ".db-" in name] == []  # noqa: PTH208 - asked after the run
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    began_cases = {
        event["test_case_id"]: event["data"]["test_name"] for event in events if event["type"] == "test_start"
    }
    for id_, name in began_cases.items():
        facts = [(event["type"], event["data"]) for event in events if event["test_case_id"] == id_]
        check(facts, hooks_of(cases[name]))
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert {case["status"] for case in document["cases"]} == {"cancelled"}
