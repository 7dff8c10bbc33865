"""What to tell the author of a text that is no YAML.

The parsers say what they expected; the author wants to know what to write. So the place of the error is looked at again
for the mistakes that are known. What none of these explains is told in StrictYAML's words, or in the parser's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yaml.error import MarkedYAMLError

from sisyphus.case._files import LINE_END
from sisyphus.case._mistakes import MISTAKES
from sisyphus.case._scene import Scene
from sisyphus.errors import Mark, Problem
from sisyphus.words import tr

if TYPE_CHECKING:
    from yaml.error import YAMLError

# StrictYAML takes a quarter of a millisecond for a line; beyond this size nobody should wait for its choice of words.
_STRICTYAML_LIMIT: Final = 64 * 1024


def explain(error: YAMLError, text: str, file: str) -> Problem:
    """Returns, as a sentence with advice, what made the parser give up on `text`."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(Mark(file, 1, 1), tr("this cannot be read as YAML"), tr("save it as plain UTF-8 text"))
    at = error.problem_mark
    start = error.context_mark or at
    scene = Scene(
        text=text,
        file=file,
        lines=LINE_END.split(text),
        problem=error.problem or "",
        context=error.context or "",
        line=at.line,
        column=at.column,
        from_line=start.line,
        from_column=start.column,
    )
    for explanation in MISTAKES:
        if found := explanation(scene):
            return found
    return scene.here(tr("this is not YAML: {words}", words=_words(scene)), tr("see the lines before it, too"))


def _words(scene: Scene) -> str:
    """StrictYAML names what it found where libyaml only says what it missed."""
    if len(scene.text) > _STRICTYAML_LIMIT:
        return scene.problem
    import strictyaml

    try:
        strictyaml.dirty_load(scene.text, allow_flow_style=True)
    except strictyaml.YAMLError as error:
        return getattr(error, "problem", None) or scene.problem
    return scene.problem
