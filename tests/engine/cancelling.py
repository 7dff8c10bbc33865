"""Random cases of every step type, and what has to hold of their events however the run ended."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, field

from sisyphus.steps import STEP_TYPES

Step = dict[str, Any]

# What nests is drawn less often the deeper it gets, so that cases stay small.
_DEEPEST = 3


@define
class Cases:
    """Makes cases whose steps take virtual seconds; every step has a name of its own."""

    draw: random.Random
    _names: Iterator[int] = field(factory=itertools.count)

    def case(self) -> str:
        """A case in YAML; JSON is YAML."""
        whole: dict[str, Any] = {
            "name": "c",
            "config": {"base_url": "http://api", "variables": {"n": 1}, "retry_times": self.draw.choice([0, 2])},
            "steps": [self.step(0) for _ in range(self.draw.randint(2, 5))],
        }
        if self.draw.random() < 0.7:
            whole |= {"setup": self.hook("setup"), "teardown": self.hook("teardown")}
        return json.dumps(whole)

    def step(self, depth: int) -> Step:
        kinds = [self.wait, self.condition, self.request, self.failing, self.echo, self.function, self.extracting]
        if depth < _DEEPEST:
            kinds += [nest for type_, nest in self._nesting().items() if type_ in STEP_TYPES] * 2
        step = self.draw.choice(kinds)(depth)
        step["name"] = f"s{next(self._names)}"
        if self.draw.random() < 0.5:
            step |= {"setup": self.hook("setup"), "teardown": self.hook("teardown")}
        if self.draw.random() < 0.15:
            step["timeout"] = self.draw.choice([0.5, 2, 5])
        return step

    def hook(self, role: str) -> list[Step]:
        """A teardown takes less than what it has after a cancellation, so that all of it runs."""
        steps: list[Step] = []
        for _ in range(self.draw.randint(1, 2)):
            inner = self.draw.choice([self.echo, self.short, self.request])(_DEEPEST)
            inner["name"] = f"{role}{next(self._names)}"
            steps.append(inner)
        return steps

    def wait(self, _: int) -> Step:
        return {"type": "wait", "seconds": self.draw.choice([0, 0.1, 1, 3])}

    def short(self, _: int) -> Step:
        return {"type": "wait", "seconds": self.draw.choice([0, 0.2])}

    def condition(self, _: int) -> Step:
        return {"type": "wait", "condition": self.draw.choice(["n == 1", "n == 2"]), "interval": 0.5, "max_wait": 2}

    def request(self, _: int) -> Step:
        return {"type": "request", "url": "/a"}

    def failing(self, _: int) -> Step:
        policy = {"max_attempts": 3, "strategy": "fixed", "base_delay": 0.7}
        return {"type": "request", "url": "/a", "validations": [{"status_code": 201}], "retry_policy": policy}

    def echo(self, _: int) -> Step:
        return {"type": "print", "message": "${n}"}

    def function(self, _: int) -> Step:
        return {"type": "function", "function": "uuid"}

    def extracting(self, _: int) -> Step:
        return {"type": "request", "url": "/a", "extract": {"m": "path"}}

    def loop(self, depth: int) -> Step:
        return {"type": "loop", "loop_count": 2, "ignore_failures": True, "loop_steps": self.inner(depth)}

    def concurrent(self, depth: int) -> Step:
        fast = self.draw.random() < 0.3
        return {"type": "concurrent", "max_concurrency": 2, "fail_fast": fast, "concurrent_steps": self.inner(depth)}

    def load(self, _: int) -> Step:
        return {"url": "/a", "parallel": {"threads": 3, "iterations": 3, "ramp_up": 0.5}}

    def poll(self, _: int) -> Step:
        until = {"condition": {"type": "status_code", "expect": 201}, "interval": 500, "timeout": 3000}
        return {"type": "poll", "url": "/a", "poll_config": until}

    def inner(self, depth: int) -> list[Step]:
        return [self.step(depth + 1) for _ in range(self.draw.randint(1, 3))]

    def _nesting(self) -> dict[str, Any]:
        return {"loop": self.loop, "concurrent": self.concurrent, "load": self.load, "poll": self.poll}


Fact = tuple[str, dict[str, Any]]
"""The type of an event, and its data."""


def check(facts: Iterable[Fact], hooks: dict[str, int]) -> None:
    """What holds of the events of one case.

    Args:
        facts: in the order in which they were sent.
        hooks: how many steps the teardown has of each step that has a setup, by its name; of the case's, by "".
    """
    facts = list(facts)
    kinds = Counter(kind for kind, _ in facts)
    assert kinds["test_start"] == kinds["test_complete"] == 1
    assert facts[-1][0] == "test_complete"
    under_way: dict[str, str] = {}
    ended: set[str] = set()
    downs: Counter[str] = Counter()
    set_up: dict[str, str] = {}
    tops: dict[str, str] = {}  # the case's own steps have no path; their names are their own
    for kind, data in facts:
        if kind == "step_start":
            path, parent = data.get("path"), data.get("parent")
            if path is None:
                path = tops[data["step_name"]] = str(data["step_index"])
            assert path not in under_way, f"{path} began twice"
            assert path not in ended, f"{path} began again"
            assert parent is None or parent in under_way or parent in {"setup", "teardown"}, f"{path} has no parent"
            under_way[path] = data["step_name"]
            if parent is not None and data.get("role") == "setup" and parent != "teardown":
                set_up["" if parent == "setup" else parent] = under_way.get(parent, "")
            if parent is not None and data.get("role") == "teardown":
                downs["" if parent == "teardown" else parent] += 1
        elif kind == "step_complete":
            path = data.get("path") or tops[data["step_name"]]
            assert path in under_way, f"{path} ended without a beginning"
            del under_way[path]
            ended.add(path)
    assert not under_way, "they did not end"
    for path, name in set_up.items():
        assert downs[path] == hooks.get(name, 0), f"the teardown of {name or 'the case'} ({path})"


def hooks_of(text: str) -> dict[str, int]:
    """How many steps each teardown has, by the name of its step."""
    whole = json.loads(text)
    found = {"": len(whole.get("teardown", []))}
    pending = list(whole["steps"])
    while pending:
        step = pending.pop()
        found[step["name"]] = len(step.get("teardown", []))
        pending += [*step.get("loop_steps", []), *step.get("concurrent_steps", [])]
    return found
