"""What the user reads, in the user's language.

English text stands where it is used and is its own key: ``tr("unknown key '{key}'", key=key)``. Another language is a
catalogue from the English text to its translation; a text it lacks stays English, and a test asks that none is lacking.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES: Final = ("en", "zh")

_catalogue: Mapping[str, str] = {}


def tr(text: str, /, **values: object) -> str:
    """Returns `text` in the chosen language, its ``{names}`` filled from `values`.

    Without `values` the text is returned as it is, braces included.
    """
    text = _catalogue.get(text, text)
    return text.format_map(values) if values else text


def choose(language: str | None = None) -> str:
    """Chooses the language of all texts made from now on, for the whole process.

    Args:
        language: ``en`` or ``zh``; None asks the environment (`SISYPHUS_LANG`, then the locale's variables).

    Returns:
        The language now in force; what is not known becomes English.
    """
    global _catalogue  # noqa: PLW0603 - a process speaks one language, as with gettext.install
    wanted = language or _language_of_environment()
    if wanted.lower().startswith("zh"):
        from sisyphus.words_zh import CATALOGUE

        _catalogue = CATALOGUE
        return "zh"
    _catalogue = {}
    return "en"


def _language_of_environment() -> str:
    for name in ("SISYPHUS_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value
    return "en"
