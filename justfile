# The README's two lines need none of this; these are shorter.

python := ".venv/bin/python"

default:
    @just --list

# A virtual environment with everything for development
setup:
    python3 -m venv .venv
    {{python}} -m pip install -q -c constraints.txt -e '.[dev]'

# The example that is watched live
demo:
    .venv/bin/sisyphus-api-engine --cases examples/12_WebSocket实时推送.yaml

test *args:
    {{python}} -m pytest {{args}}

# The suite ten times over: flaky is broken
test-ten:
    for i in 1 2 3 4 5 6 7 8 9 10; do {{python}} -m pytest -q || exit 1; done

# Runs of every step type, cancelled at random moments: in virtual time, then in processes
cancel rounds="200":
    SISYPHUS_CANCEL_ROUNDS={{rounds}} {{python}} -m pytest -q tests/engine/test_cancel_everywhere.py tests/e2e/test_cancel_everywhere.py

# 20,000 mutated case files: each gives a run or a clean error
fuzz *args:
    {{python}} -m tests.fuzz {{args}}

coverage:
    {{python}} -m coverage run -m pytest -q
    {{python}} -m coverage combine -q
    {{python}} -m coverage report

lint:
    bash .ci/lint

types:
    {{python}} -m mypy

layers:
    .venv/bin/lint-imports

# Every case in examples/, and every program
examples:
    {{python}} tests/run_examples.py

# The figures of docs/performance.md, each beside its comparison
bench *args:
    {{python}} -m tests.bench {{args}}

# Watchers who misbehave: the figures of docs/reliability.md, in some ten minutes
soak *args:
    {{python}} -m tests.bench.bench_faults {{args}}

ci:
    bash .ci/run
