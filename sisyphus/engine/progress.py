"""How far a case is, and how long it may still take."""

from __future__ import annotations

from attrs import define

from sisyphus.events import Progressed


@define(eq=False, repr=False)
class Tally:
    """Counts a case's steps as they end; `failed` counts failures and errors."""

    total: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errors: int = 0

    @property
    def done(self) -> int:
        return self.passed + self.failed + self.skipped

    def count(self, status: str) -> None:
        """Counts one step by its status."""
        if status == "success":
            self.passed += 1
        elif status == "skipped":
            self.skipped += 1
        else:
            self.failed += 1
            self.errors += status == "error"

    def progress(self, elapsed: float, cases_completed: int, cases_total: int) -> Progressed:
        """The progress after `elapsed` seconds of the case.

        The remaining time is the mean of the steps that ran so far, times the steps to come: null until one ran.
        """
        ran = self.passed + self.failed
        several = cases_total > 1
        return Progressed(
            current_step=self.done,
            total_steps=self.total,
            percentage=round(100 * self.done / self.total, 2) if self.total else 100.0,
            passed_steps=self.passed,
            failed_steps=self.failed,
            estimated_remaining=round(elapsed / ran * (self.total - self.done), 3) if ran else None,
            cases_completed=cases_completed if several else None,
            cases_total=cases_total if several else None,
        )
