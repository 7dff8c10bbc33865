"""The type of one plain scalar, which is the one that it has in JSON."""

from __future__ import annotations

import math
import re
from typing import Any, Final

_WORDS: Final[dict[str, Any]] = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_MAY_BE_TYPED: Final = frozenset("-0123456789tTfFnN~")

# No interpreter setting makes int() refuse as few digits as these (sys.int_info.str_digits_check_threshold), and
# whatever is longer is an identifier rather than a quantity: as text it keeps every digit.
_LONGEST_NUMBER: Final = 640


def scalar(text: str) -> Any:
    """Types the text of one plain (unquoted) scalar as JSON does.

    Null is ``null``, ``~`` or nothing, a boolean ``true`` or ``false``, both in any case. Numbers are those of JSON's
    grammar, so that ``012``, ``+1``, ``.5``, ``0x10`` and ``1_000`` are text; so is a number JSON could not write again
    (``1e999``, ``.inf``), and so is all the rest: ``no``, ``on``, ``2024-01-01``, ``12:30``.
    """
    if not text:
        return None
    # Most scalars are plain words; a look at the first letter settles those.
    if text[0] not in _MAY_BE_TYPED:
        return text
    if text[0] in "tTfFnN~":
        return _WORDS.get(text.lower(), text) if len(text) <= len("false") else text
    return _number(text)


def _number(text: str) -> Any:
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if found is None:
        return text
    if found.lastindex is None:
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else text
