"""The case files that are measured."""

from __future__ import annotations

from pathlib import Path

STEP = """\
  - name: get thing {n}
    description: one of many
    type: request
    method: GET
    url: /things/{n}?page=${{page}}
    headers:
      Accept: application/json
      X-Trace: "trace-{n}"
    validations:
      - status_code: 200
      - type: eq
        path: "$.data.id"
        expect: 7
      - {{type: contains, path: "$.data.tags", expect: a}}
    extractors:
      - name: token_{n}
        type: jsonpath
        path: "$.data.token"
"""
STEP_LINES = STEP.count("\n")


def requests_case(path: Path, base_url: str, steps: int) -> Path:
    """A case of GET steps with 3 validations and 1 extraction each; 500 steps are 9,000 lines."""
    head = f"name: {steps} requests\nconfig:\n  base_url: {base_url}\n  variables: {{page: 1}}\nsteps:\n"
    path.write_text(head + "".join(STEP.format(n=n) for n in range(steps)))
    return path


def many_cases(folder: Path, base_url: str, cases: int, steps: int) -> Path:
    for number in range(cases):
        requests_case(folder / f"case_{number:03}.yaml", base_url, steps)
    return folder
