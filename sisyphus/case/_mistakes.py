"""The mistakes that case files really have, as they look where the parser gave up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sisyphus.case._scene import Scene, braces_problem, last_scalar, no_key, tab_problem, tag_problem
from sisyphus.errors import Mark, Problem
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

_KEY_BEFORE: Final = re.compile(r"\s*(?:- +)*(?:\"[^\"]*\"|'[^']*'|[^\s#'\"][^#]*?):\s")
_ESCAPE: Final = re.compile(r"\\.[0-9A-Fa-f]{0,4}")


def _tab(scene: Scene) -> Problem | None:
    if scene.char == "\t" or scene.of("tab character"):
        return tab_problem(Mark(scene.file, scene.line + 1, scene.column + 1))
    return None


def _unclosed_quote(scene: Scene) -> Problem | None:
    if not scene.of("end of stream", "document indicator", "document separator") or "quoted" not in scene.context:
        return None
    quote = scene.text_of(scene.from_line)[scene.from_column : scene.from_column + 1]
    return scene.at_start(tr("this quote is never closed"), tr("write the closing {quote}", quote=quote))


def _escape(scene: Scene) -> Problem | None:
    if not scene.of("escape c", "hexdecimal", "hexadecimal", "hex digits"):
        return None
    # libyaml points at the backslash or into the digits, PyYAML behind it or at the opening quote, which may be lines away.
    found = [one[0] for one in _ESCAPE.finditer(scene.text_of(scene.line)) if one.start() <= scene.column]
    written = found[-1] if found else _ESCAPE.findall("\n".join(scene.lines[scene.line :]), scene.column)[0]
    if re.match(r"\\u[dD][89a-fA-F]", written):
        return scene.here(tr("'{written}' is half a character", written=written), tr("write the character itself"))
    return scene.here(
        tr("'{written}' means nothing between double quotes", written=written[:2]),
        tr("use single quotes, or write \\\\ for a backslash"),
    )


def _text_after_quotes(scene: Scene) -> Problem | None:
    if not scene.of("expected key", "<block end>", "'-' indicator", "',' or", "document start"):
        return None
    last = last_scalar(scene.text)
    if last is None or last.style not in {"'", '"'} or last.start_mark is None or last.end_mark is None:
        return None
    if last.end_mark.line != scene.line or scene.text_of(scene.line)[last.end_mark.column : scene.column].strip():
        return None
    if last.start_mark.line != last.end_mark.line:
        return Problem(
            Mark(scene.file, last.start_mark.line + 1, last.start_mark.column + 1),
            tr("the quote opened here is closed only on line {line}", line=scene.line + 1),
            tr("write the closing {quote}", quote=last.style),
        )
    if scene.char == ":":
        return scene.here(tr("there is no space after the colon"), tr("write 'key: value'"))
    return scene.here(
        tr("the text goes on after its closing quote"),
        tr("put all of it in quotes; inside, write '' for ' in single quotes and \\\" for \" in double quotes"),
    )


def _braces(scene: Scene) -> Problem | None:
    if not scene.of("expected key", "<block end>", "',' or", "node content", "expected ':'", "values are not allowed"):
        return None
    open_at = scene.before.rfind("{{")
    if open_at < 0 or scene.before.count('"', 0, open_at) % 2 or scene.before.count("'", 0, open_at) % 2:
        return None
    return braces_problem(Mark(scene.file, scene.line + 1, open_at + 1))


def _flow(scene: Scene) -> Problem | None:
    if not scene.of("',' or"):
        return None
    if scene.char == "{" and scene.before.endswith("$"):
        return Problem(
            Mark(scene.file, scene.line + 1, scene.column),
            tr("inside [ ] and { }, ${…} has to stand in quotes"),
            tr('as in: {url: "${base}/users"}'),
        )
    if scene.char and scene.char in "{[" and scene.before[-1:].strip(" ,"):
        return scene.here(
            tr("inside [ ] and { }, text with brackets has to stand in quotes"), tr('as in: {path: "$.items[0].id"}')
        )
    opening = scene.text_of(scene.from_line)[scene.from_column : scene.from_column + 1]
    if scene.line != scene.from_line and opening and opening in "[{":
        closing = "]" if opening == "[" else "}"
        return scene.at_start(
            tr("this '{opening}' is not closed before line {line}", opening=opening, line=scene.line + 1),
            tr("write the closing {closing}, and ',' between the parts", closing=closing),
        )
    return scene.here(
        tr("inside [ ] and { }, a ',' or the closing bracket is missing here"),
        tr("separate with ',' and put text that has brackets, commas or ': ' in quotes"),
    )


def _value_in_value(scene: Scene) -> Problem | None:
    if not scene.of("values are not allowed", "unexpected ':'"):
        return None
    if scene.of("unexpected ':'") or _KEY_BEFORE.match(scene.before) or _KEY_BEFORE.match(scene.before + " "):
        return scene.here(tr("a colon within text that is not in quotes"), tr("put the whole value in quotes"))
    above = scene.text_of(scene.line - 1)
    if known := no_key(above):
        return Problem(Mark(scene.file, scene.line, len(above) - len(above.lstrip()) + 1), *known)
    return scene.here(
        tr("a key that belongs to no mapping: the text before it is a value already"),
        tr("indent it like its neighbours, and put text with ': ' in quotes"),
    )


def _no_colon(scene: Scene) -> Problem | None:
    if not scene.of("could not find expected ':'"):
        return None
    line = scene.text_of(scene.from_line)
    if known := no_key(line):
        return scene.at_start(*known)
    if line.lstrip().startswith("-"):
        return scene.at_start(tr("there is no space after the '-'"), tr("write '- item'"))
    return scene.at_start(
        tr("this line is neither 'key: value' nor part of the text above"),
        tr("write ': ' after a key; indent text that goes on, or use a | block"),
    )


def _bad_first_character(scene: Scene) -> Problem | None:
    if scene.of("cannot start any token", "mapping keys are not allowed"):
        char, at = scene.char, scene.here
    elif "an alias" in scene.context or "an anchor" in scene.context:
        char, at = scene.text_of(scene.from_line)[scene.from_column : scene.from_column + 1], scene.at_start
    elif scene.of("node content") and scene.char in {"-", "?"}:
        char, at = scene.char + " ", scene.here
    elif (
        scene.of("node content")
        and scene.char in {",", "]", "}"}
        and not scene.before.rstrip().endswith((",", "[", "{"))
    ):
        char, at = scene.char, scene.here
    else:
        return None
    return at(tr("text without quotes cannot begin with '{char}'", char=char), tr("put the whole value in quotes"))


def _no_key_at_all(scene: Scene) -> Problem | None:
    if scene.char != ":" or (scene.before.strip(" -") and not scene.of("node content")):
        return None
    return scene.here(
        tr("there is no key before this colon"), tr("write a key, or put text that begins with : in quotes")
    )


def _no_value(scene: Scene) -> Problem | None:
    if not scene.of("node content"):
        return None
    return scene.here(
        tr("something is missing before '{char}'", char=scene.char or "…"), tr("write a value, or null, or remove it")
    )


def _after_the_end(scene: Scene) -> Problem | None:
    if not scene.of("document start") or not any(line.startswith("...") for line in scene.lines[: scene.line]):
        return None
    return scene.here(tr("a line '...' has ended the document above"), tr("remove that line"))


def _indentation(scene: Scene) -> Problem | None:
    if not scene.of("expected key", "<block end>", "'-' indicator", "document start") or scene.before.strip():
        return None
    if scene.char == "-":
        if not scene.text_of(scene.line)[scene.column + 1 :][:1].isspace():
            return scene.here(tr("there is no space after the '-'"), tr("write '- item'"))
        return scene.here(
            tr("this '-' is indented unlike the list it belongs to"), tr("begin all its items below each other")
        )
    return scene.here(
        tr("this line is indented unlike those it belongs to"), tr("begin all keys of a mapping below each other")
    )


def _trailing_text(scene: Scene) -> Problem | None:
    if not scene.of("expected key", "<block end>", "'-' indicator", "document start"):
        return None
    return scene.here(tr("there is more on this line after its value has ended"), tr("put the whole value in quotes"))


def _item_beside_key(scene: Scene) -> Problem | None:
    if not scene.of("sequence entries are not allowed"):
        return None
    return scene.here(
        tr("a list begins on the line of its key"),
        tr("begin it on the next line; text that begins with '- ' stands in quotes"),
    )


def _block_header(scene: Scene) -> Problem | None:
    if "block scalar" not in scene.context:
        return None
    return scene.here(
        tr("the line has to end after | or >"),
        tr("begin the text on the next line, indented; | or > as text stands in quotes"),
    )


def _tag(scene: Scene) -> Problem | None:
    if not scene.of("tag handle") and "a tag" not in scene.context:
        return None
    written = re.match(r"!\S*", scene.text_of(scene.from_line)[scene.from_column :])
    return tag_problem(
        Mark(scene.file, scene.from_line + 1, scene.from_column + 1), written.group() if written else "!"
    )


def _directive(scene: Scene) -> Problem | None:
    if "directive" not in scene.context and not scene.of("directive", "incompatible YAML", "<document start>"):
        return None
    if not scene.text_of(scene.from_line).startswith("%"):
        return None
    return scene.at_start(
        tr("a line that begins with % is a directive to YAML"),
        tr("remove it, or put a key that begins with % in quotes"),
    )


MISTAKES: Final[tuple[Callable[[Scene], Problem | None], ...]] = (
    _tab,
    _unclosed_quote,
    _escape,
    _directive,
    _tag,
    _block_header,
    _text_after_quotes,
    _braces,
    _flow,
    _value_in_value,
    _no_colon,
    _bad_first_character,
    _no_key_at_all,
    _no_value,
    _item_beside_key,
    _after_the_end,
    _indentation,
    _trailing_text,
)
