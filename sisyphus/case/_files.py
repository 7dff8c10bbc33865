"""Bytes of a case file to text, and what can be wrong with them."""

from __future__ import annotations

import re
import stat
from itertools import islice
from typing import TYPE_CHECKING, Final

from sisyphus.errors import CaseFileError, Mark, Problem
from sisyphus.words import tr

if TYPE_CHECKING:
    from pathlib import Path

LINE_END: Final = re.compile(r"\r\n|\r|\n")
SIZE_LIMIT: Final = 16 * 1024 * 1024

# YAML 1.1 ends a line at U+0085, U+2028 and U+2029, YAML 1.2 does not: refused rather than guessed. A byte order mark that
# is not at the start comes from joined files, and would be an invisible part of a key.
_BAD_CHARACTER: Final = re.compile(
    "[^\\t\\n\\r\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)
_SHOWN: Final = 20  # bad characters listed of one file; a binary file has thousands


class UnreadableError(Exception):
    """A file cannot be read; says why, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TooLargeError(UnreadableError):
    """A file is, with all that was read before it for the same case, over the limit."""

    def __init__(self) -> None:
        size = SIZE_LIMIT // (1024 * 1024)
        super().__init__(
            tr("more than {size} MiB, with what it includes", size=size),
            tr("split the case, or keep its data in a data_source"),
        )


def bytes_of(path: Path, limit: int = SIZE_LIMIT) -> bytes:
    """Returns the content of a regular file.

    Raises:
        UnreadableError: there is none, or it may not be read.
        TooLargeError: it has more than `limit` bytes.
    """
    try:
        # Opening a pipe would wait for its writer, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableError(tr("this is not a file"), tr("give the path of a YAML file"))
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise UnreadableError(tr("there is no such file"), tr("check the path")) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = tr("this file cannot be read: {reason}", reason=reason)
        raise UnreadableError(message, tr("check the path and its permissions")) from error
    if len(data) > limit:
        raise TooLargeError
    return data


def text_of(data: bytes | str, file: str) -> str:
    """Returns the text of a file, without a byte order mark.

    Raises:
        CaseFileError: it is not UTF-8, or has characters that YAML does not allow.
    """
    text = data if isinstance(data, str) else _decode(data, file)
    text = text.removeprefix("\ufeff")
    if found := list(islice(_BAD_CHARACTER.finditer(text), _SHOWN)):
        raise CaseFileError(_bad_character(text, one.start(), file) for one in found)
    return text


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            problem = Problem(Mark(file, 1, 1), tr("this file is UTF-16, not UTF-8"), tr("save it as UTF-8"))
            raise CaseFileError([problem]) from None
        before = data[: error.start].decode("utf-8")
        message = tr("the byte 0x{byte} is not UTF-8", byte=f"{data[error.start]:02x}")
        hint = tr("this looks like GBK: save the file as UTF-8") if _is_gbk(data) else tr("save the file as UTF-8")
        raise CaseFileError([Problem(_mark_of(before, len(before), file), message, hint)]) from None


def _is_gbk(data: bytes) -> bool:
    try:
        data.decode("gbk")
    except UnicodeDecodeError:
        return False
    return True


def _bad_character(text: str, index: int, file: str) -> Problem:
    code = ord(text[index])
    mark = _mark_of(text, index, file)
    if 0xD800 <= code <= 0xDFFF:
        return Problem(mark, tr("half a character (U+{code})", code=f"{code:04X}"), tr("write the whole character"))
    escape = f"\\u{code:04x}"
    return Problem(
        mark,
        tr("the invisible character U+{code} may not stand here", code=f"{code:04X}"),
        tr('remove it, or write it as "{escape}" in double quotes', escape=escape),
    )


def _mark_of(text: str, index: int, file: str) -> Mark:
    lines = LINE_END.split(text[:index])
    return Mark(file, len(lines), len(lines[-1]) + 1)
