"""The page with a run in it: whole or not there, and nothing of the run in it as markup."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from sisyphus.errors import OutputError
from sisyphus.page import report_page
from sisyphus.report.html_report import HtmlReport

HOSTILE = "</script><!--<script>\u2028\0\ud800"
BLOCK = re.compile(r'<script type="application/octet-stream" class="(run-\w+)"([^>]*)>([A-Za-z0-9+/=]*)</script>\n')


def event(seq: int, text: str = "") -> bytes:
    return json.dumps({"type": "log", "data": {"message": text}, "seq": seq}).encode()


def blocks(path: Path, kind: str) -> list[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    return [
        (about, gzip.decompress(base64.b64decode(packed)).decode())
        for what, about, packed in BLOCK.findall(text)
        if what == kind
    ]


def test_every_event_and_every_detail_is_in_it(tmp_path: Path) -> None:
    report = HtmlReport(tmp_path / "new" / "report.html")
    for seq in range(1, 2501):
        report.append(event(seq))
        if seq % 2:
            report.append_detail(seq, json.dumps({"name": f"step {seq}"}).encode())
    assert not (tmp_path / "new" / "report.html").exists()
    report.finish()
    path = tmp_path / "new" / "report.html"
    lines = "\n".join(text for _, text in blocks(path, "run-events")).split("\n")
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 2501))
    details: dict[str, Any] = {}
    for about, text in blocks(path, "run-details"):
        steps = json.loads(text)
        assert f'data-first="{min(map(int, steps))}" data-last="{max(map(int, steps))}"' in about
        assert len(steps) <= 100
        details |= steps
    assert details == {str(seq): {"name": f"step {seq}"} for seq in range(1, 2501, 2)}
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_what_a_run_says_is_nowhere_markup(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    report = HtmlReport(path)
    report.append(event(1, HOSTILE))
    report.append_detail(2, json.dumps({"response": {"body": HOSTILE}}).encode())
    report.finish()
    page = report_page()
    rest = BLOCK.sub("", path.read_bytes().decode())
    assert rest.encode() == page.begin + page.end


def test_a_run_that_is_abandoned_leaves_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    report = HtmlReport(path)
    report.append(event(1))
    report.abandon()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("report.html", "old")]


def test_a_place_where_nothing_can_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        HtmlReport(tmp_path / "file" / "report.html")


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("folder", "Is a directory"), ("pipe", "no regular file")):
        with pytest.raises(OutputError, match=why):
            HtmlReport(tmp_path / name)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    path = tmp_path / "report.html"
    report = HtmlReport(path)
    with full.open("wb", buffering=0) as file:
        report._replacement.file.flush()
        report._replacement.file.close()
        report._replacement.file = file  # type: ignore[misc]
        report.append(event(1))
        report.finish()
    assert report.trouble is not None
    assert "No space left" in str(report.trouble)
    assert list(tmp_path.iterdir()) == []
