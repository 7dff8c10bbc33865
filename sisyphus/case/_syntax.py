"""What to tell the author of a text that is no YAML.

The parsers say what they expected; the author wants to know what to write. So the place of the error is looked at again
for the mistakes that are known. What none of these explains is told in StrictYAML's words, or in the parser's.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._files import LINE_END
from sisyphus.case._mistakes import MISTAKES
from sisyphus.case._scene import Scene
from sisyphus.words import tr

if TYPE_CHECKING:
    from yaml.error import MarkedYAMLError

    from sisyphus.errors import Problem

# StrictYAML takes a quarter of a millisecond for a line; beyond this size nobody should wait for its choice of words.
_STRICTYAML_LIMIT: Final = 64 * 1024


def explain(error: MarkedYAMLError, text: str, file: str) -> Problem:
    """Returns, as a sentence with advice, what made the parser give up on `text`."""
    at: Any = error.problem_mark  # which every error of a scanner or parser has
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
        with warnings.catch_warnings(action="ignore"):
            strictyaml.dirty_load(scene.text, allow_flow_style=True)
    except strictyaml.YAMLError as error:
        return getattr(error, "problem", None) or scene.problem
    except (AssertionError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError):
        pass  # what it raises where a document meets a defect of its own
    return scene.problem
