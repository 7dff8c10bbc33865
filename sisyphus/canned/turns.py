"""What the made-up answers of one case depend on besides the request: chance, and whose turn it is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sisyphus.case.model import MockResponse


class Turns:
    """Remembers how often each list of answers was asked for one.

    Args:
        seed: makes what is drawn by lot the same in every run; None: different each time.

    Attributes:
        lot: what is drawn from.
    """

    def __init__(self, seed: int | None) -> None:
        self.lot: Final = random.Random(None if seed is None else f"{seed}/steps")  # noqa: S311 - chances of a test
        self._given: Final[dict[int, int]] = {}

    def next_of(self, responses: Sequence[MockResponse]) -> MockResponse:
        """The next one in turn, the last one ever after; `responses` are told apart by which object they are."""
        key = id(responses)  # they belong to the case, which outlives this
        given = self._given[key] = self._given.get(key, 0) + 1
        return responses[min(given, len(responses)) - 1]
