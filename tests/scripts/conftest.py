from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
sys.path.insert(0, str(Path(__file__).parent))

from leftovers import children, descriptors, entries, processes_of

from sisyphus.scripts import process


@pytest.fixture(autouse=True)
def scripts_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the scripts of this test have their folders; afterwards nothing of them may be left anywhere."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    monkeypatch.setattr(process, "_temporary_folder", lambda: str(folder))
    before = descriptors()
    yield folder
    assert processes_of(folder) == []
    assert children() == []
    assert entries(folder) == []
    assert descriptors() == before
