from __future__ import annotations

import subprocess
import sys

import pytest

SHOWS = """
import sys
from pathlib import Path
from sisyphus.concealing import conceal_argument
conceal_argument("s3cret")
print(Path("/proc/self/cmdline").read_bytes().decode().replace(chr(0), " "))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="where arguments are kept is the system's own affair")
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--ws-token", "s3cret"], "--ws-token ******"),
        (["--ws-token=s3cret"], "--ws-token=******"),
        (["--cases", "s3cret.yaml", "--ws-token", "s3cret"], "--cases s3cret.yaml --ws-token ******"),
        (["其他", "s3cret"], "其他 ******"),
        (["watch", "ws://s3cret.example/?token=s3cret&x"], "watch ws://s3cret.example/?token=******&x"),
        (["--cases", "other"], "--cases other"),
    ],
)
def test_a_secret_is_gone_from_what_others_see_of_a_process(arguments: list[str], shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOWS, *arguments], capture_output=True, encoding="utf-8", timeout=20, check=True
    )
    assert done.stdout.strip().endswith(shown)
