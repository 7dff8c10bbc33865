"""The spellings of how often to try again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sisyphus.case._shapes import as_map, expected, milliseconds, texts
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.errors import nearest
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings
    from sisyphus.case.yaml import Seq

_POLICY: Final = spellings(
    "max_attempts", "strategy", "base_delay", "max_delay", "backoff_multiplier", "jitter", "retry_on", "stop_on",
    "enabled", type="strategy", delay="base_delay", multiplier="backoff_multiplier", retries="max_attempts",
    retry_times="max_attempts",
)  # fmt: skip

_REASONS: Final = (
    "network", "timeout", "connection", "dns", "tls", "assertion", "validation", "server_error", "client_error",
    "rate_limit",
)  # fmt: skip
_STATUS_OR_CLASS_NAME: Final = re.compile(r"[1-5]([0-9][0-9]|[xX][xX])|[A-Z]\w*")

_LOOSE_CAP: Final = 10.0  # seconds at most between tries where no policy says otherwise
_POLICY_CAP: Final = 60.0

# What is written, in a layer of settings, one way or the other: the upper layer's way counts.
_RIVALS: Final = {"times": "max_attempts", "max_attempts": "times", "delay": "base_delay", "base_delay": "delay"}


def gather_retry(draft: Draft, found: Findings) -> None:
    """Makes one draft, `retry`, of the keys of a step or of config that say how often to try again.

    Besides the model's names it has `times` and `delay` (of `retry_times`, `retry_delay`), and `policy` if there is
    one; `settled` makes a retry of it.
    """
    said = [key for key in ("retry_policy", "retry_times", "retry_delay") if key in draft]
    if not said:
        return
    place = draft.place_of(said[0])
    times, delay = draft.pop("retry_times", None), milliseconds(draft, "retry_delay", found)
    source = draft.pop("retry_policy", None)
    retry = Draft(place)
    if source is not None:
        source = as_map(source, place, "retry_policy", found)
        retry = _policy(take(source, _POLICY, "retry_policy", found), found) if source is not None else retry
        retry["policy"] = True
    if times is not None and "max_attempts" in retry:
        key = draft.key_of("retry_times")
        found.warn(draft.place_of("retry_times"), tr("'{key}' has no effect beside max_attempts", key=key))
    elif times is not None:
        retry.put("times", times, draft.place_of("retry_times"))
        retry.respell("max_attempts", draft.key_of("retry_times"))
    if delay is not None and "base_delay" not in retry:
        retry.put("delay", delay, draft.place_of("retry_delay"))
    if retry:
        draft.put("retry", retry, place)


def _policy(draft: Draft, found: Findings) -> Draft:
    for key in ("retry_on", "stop_on"):
        if key in draft:
            place = draft.place_of(key)
            if draft[key] is None:
                del draft[key]
                continue
            draft[key] = words = texts(draft[key], place, key, found)
            _check_reasons(words, key, found)
    enabled = draft.pop("enabled", True)
    if enabled is False:
        draft.put("max_attempts", 0, draft.place_of("enabled"))
    elif enabled is not True:
        found.wrong(draft.place_of("enabled"), f"enabled: {expected(tr('true or false'), enabled)}")
    return draft


def _check_reasons(words: Seq, key: str, found: Findings) -> None:
    for word, mark in zip(words, words.marks, strict=True):
        if word.lower() not in _REASONS and not _STATUS_OR_CLASS_NAME.fullmatch(word):
            near = nearest(word, _REASONS)
            hint = tr("did you mean '{near}'?", near=near) if near else tr("known: {names}", names=", ".join(_REASONS))
            found.wrong((words.file, *mark), tr("unknown word '{word}' in {key}", word=word, key=key), hint)


def layered(lower: Draft, upper: Draft) -> Draft:
    """What two layers of settings say together about trying again; the upper one counts where both say something."""
    both = Draft(upper.place)
    for layer in (lower, upper):
        for key in layer:
            both.pop(_RIVALS.get(key, ""), None)
        for key, value in layer.items():
            both.put(key, value, layer.place_of(key))
        both.spelt = {**both.spelt, **layer.spelt}
    return both


def settled(case: Draft | None, step: Draft | None, command_line: Draft | None) -> Draft | None:
    """The retry of a step that says something of its own, as a draft of the model's `Retry`.

    A policy of the step's replaces the case's; loose `retry_times` and `retry_delay` adjust it. What the command line says
    comes on top.

    Returns:
        None if the step says nothing, so that the case's holds.
    """
    if step is None:
        return None
    if case is not None and "policy" not in step:
        step = layered(case, step)
    return completed(layered(step, command_line) if command_line is not None else step)


def completed(retry: Draft) -> Draft:
    """A draft of the model's `Retry`, what is left open filled with the format's defaults."""
    done = Draft(retry.place)
    done.spelt = retry.spelt
    for key, value in retry.items():
        if key not in {"times", "delay", "policy"}:
            done.put(key, value, retry.place_of(key))
    if "max_attempts" not in done and ("times" in retry or "policy" not in retry):
        done.put("max_attempts", retry.get("times", 0), retry.place_of("times"))
    cap = _POLICY_CAP if "policy" in retry else _LOOSE_CAP
    if "delay" in retry:
        # Whoever writes one delay in milliseconds expects that one each time.
        done.put("base_delay", retry["delay"], retry.place_of("delay"))
        done.setdefault("strategy", "fixed")
        cap = max(cap, retry["delay"])
    done.setdefault("max_delay", cap)
    return done
