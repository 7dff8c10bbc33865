"""What any number of durations come to, in memory that does not grow with them."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import Final

# Beyond these, percentiles are those of buckets that are one percent wide: at most 0.5 % off.
EXACT: Final = 10_000

_WIDTH: Final = math.log(1.01)
_LEAST: Final = 1e-6  # seconds; what is shorter counts as this long


class Durations:
    """Takes durations in seconds; percentiles are exact for the first `EXACT` of them."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0.0
        self._min = math.inf
        self._max = 0.0
        self._values: array[float] | None = array("d")
        self._buckets: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Takes one more."""
        self.count += 1
        self._sum += seconds
        self._min = min(self._min, seconds)
        self._max = max(self._max, seconds)
        if self._values is None:
            self._buckets[_bucket(seconds)] += 1
        elif self.count <= EXACT:
            self._values.append(seconds)
        else:
            self._buckets.update(map(_bucket, self._values))
            self._buckets[_bucket(seconds)] += 1
            self._values = None

    @property
    def min(self) -> float | None:
        return self._min if self.count else None

    @property
    def max(self) -> float | None:
        return self._max if self.count else None

    @property
    def mean(self) -> float | None:
        return self._sum / self.count if self.count else None

    def percentiles(self, *percents: float) -> list[float | None]:
        """For each of `percents` the shortest duration that so many percent do not exceed (nearest rank)."""
        if not self.count:
            return [None for _ in percents]
        ranks = [max(math.ceil(percent / 100 * self.count), 1) for percent in percents]
        if self._values is not None:
            ordered = sorted(self._values)
            return [ordered[rank - 1] for rank in ranks]
        return [self._ranked(rank) for rank in ranks]

    def _ranked(self, rank: int) -> float:
        seen = 0
        for bucket, count in sorted(self._buckets.items()):
            seen += count
            if seen >= rank:
                return min(max(_LEAST * math.exp((bucket + 0.5) * _WIDTH), self._min), self._max)
        return self._max


def _bucket(seconds: float) -> int:
    return int(math.log(max(seconds, _LEAST) / _LEAST) / _WIDTH)
