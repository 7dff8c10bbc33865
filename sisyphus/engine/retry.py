"""Whether a failed attempt is worth another, and how long to rest before it."""

from __future__ import annotations

import datetime as dt
import random
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from sisyphus.comparable import Comparable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sisyphus.case.model import Retry
    from sisyphus.errors import StepError
    from sisyphus.results import ErrorInfo

_JITTER: Final = 0.1
_TOO_MANY: Final = 429

# What Python and its HTTP libraries call these, and what existing files give in `retry_on`.
_PYTHONIC: Final = {"assertion": "assertionerror", "timeout": "timeouterror", "connection": "connectionerror"}


@frozen(kw_only=True, eq=False, repr=False)
class Setback(Comparable):
    """Why an attempt was not enough: the words that `retry_on` and `stop_on` may use for it.

    Attributes:
        kinds: categories, status codes and class names, in lower case.
        reason: for people.
        retryable: whether it is retried when no `retry_on` is given.
        failed: False if the attempt would do, were it not for a status that `retry_on` names.
    """

    kinds: frozenset[str]
    reason: str
    retryable: bool = True
    failed: bool = True


def setback_of_error(error: StepError, response: Mapping[str, Any] | None) -> Setback:
    """What an attempt that ended in an error says to the retry policy."""
    pythonic = {_PYTHONIC[kind] for kind in error.kinds if kind in _PYTHONIC}
    kinds = error.kinds | pythonic | {name.lower() for name in error.names()} | _kinds_of_status(response)
    return Setback(kinds=kinds, reason=str(error), retryable=error.retryable)


def setback_of_inner(error: ErrorInfo) -> Setback:
    """What an attempt in which a step inside could not be carried out says to the retry policy."""
    kinds = frozenset({error.category, error.type.lower()})
    return Setback(kinds=kinds, reason=error.message, retryable=error.category in {"network", "timeout"})


def setback_of_checks(reason: str, response: Mapping[str, Any] | None) -> Setback:
    """What an attempt whose validations did not hold says to the retry policy."""
    kinds = frozenset({"assertion", "validation", _PYTHONIC["assertion"]})
    return Setback(kinds=kinds | _kinds_of_status(response), reason=reason)


def setback_of_status(response: Mapping[str, Any] | None, reason: str) -> Setback | None:
    """What an attempt with nothing against it says: its status may be one that `retry_on` names."""
    kinds = _kinds_of_status(response)
    return Setback(kinds=kinds, reason=reason, retryable=False, failed=False) if kinds else None


def _kinds_of_status(response: Mapping[str, Any] | None) -> frozenset[str]:
    status = response.get("status_code") if response else None
    if not isinstance(status, int):
        return frozenset()
    kinds = {str(status), f"{status // 100}xx"}
    if status >= 500:
        kinds.add("server_error")
    elif status >= 400:
        kinds.add("client_error")
    if status == _TOO_MANY:
        kinds.add("rate_limit")
    return frozenset(kinds)


def worth_another(policy: Retry, setback: Setback) -> bool:
    """Whether the policy wants another attempt after this setback, leaving the number of attempts aside."""
    if not setback.kinds.isdisjoint(kind.lower() for kind in policy.stop_on):
        return False
    if policy.retry_on is None:
        return setback.retryable
    return not setback.kinds.isdisjoint(kind.lower() for kind in policy.retry_on)


def rest_before(policy: Retry, retry: int, response: Mapping[str, Any] | None = None) -> float:
    """Seconds to rest before the `retry`-th retry (from 1).

    fixed b; linear b·k; exponential b·m^(k−1); then the cap, then the jitter of ±10 %. A `Retry-After` that came
    with a 429 or 503 is honoured up to the cap.
    """
    if policy.strategy == "fixed":
        delay = policy.base_delay
    elif policy.strategy == "linear":
        delay = policy.base_delay * retry
    else:
        try:
            delay = policy.base_delay * policy.backoff_multiplier ** (retry - 1)
        except OverflowError:
            delay = policy.max_delay
    if policy.jitter:
        delay *= 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311 - spreads load, guards no secret
    return min(max(delay, _retry_after(response)), policy.max_delay)


def _retry_after(response: Mapping[str, Any] | None) -> float:
    if not response or response.get("status_code") not in {_TOO_MANY, 503}:
        return 0.0
    written = str((response.get("headers") or {}).get("retry-after", ""))
    return float(written) if written.isdecimal() else _seconds_until(written)


def _seconds_until(date: str) -> float:
    """RFC 9110 section 10.2.3 allows a date as well; what is no date asks for nothing."""
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):  # OverflowError: a year, or a zone, beyond what Python's dates can say
        return 0.0
    # "-0000" is the one zone that Python leaves out; HTTP's dates are all in UTC.
    return (moment.replace(tzinfo=moment.tzinfo or dt.UTC) - dt.datetime.now(dt.UTC)).total_seconds()
