"""The page that shows a run: watched live, or, with the run inside it, as its report.

One document with everything in it, so that it needs no other address and can be kept as a file. What makes it up stands
beside this module; there is no build step.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Final, Literal

from attrs import frozen

# In the order in which they are put together; all of them share one function, so that nothing of them is global.
_SCRIPTS: Final = (
    "words.js", "dom.js", "model.js", "visible.js", "window.js", "live.js", "report.js", "tree.js", "detail.js", "lists.js",
    "summary.js", "page.js",
)  # fmt: skip
_STYLES: Final = ("page.css",)

_MARK: Final = re.compile(r"\{\{(mode|policy|style|run|script)\}\}")
_NO_SCRIPT_TEXT: Final = re.compile(r"</script|<!--", re.IGNORECASE)
_NO_STYLE_TEXT: Final = re.compile(r"</style|<!--", re.IGNORECASE)

# A host as policies can name it, which have no form for addresses of IPv6.
_NAMEABLE: Final = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?")

Mode = Literal["live", "report"]


@frozen(kw_only=True)
class Document:
    """A page in two parts; what is embedded of a run stands between them.

    Attributes:
        policy: the Content-Security-Policy for its header: what stands in the document, and more.
    """

    begin: bytes
    end: bytes
    policy: str

    @property
    def content(self) -> bytes:
        """The page without a run."""
        return self.begin + self.end


@lru_cache(maxsize=16)
def live_page(host: str) -> Document:
    """The page that watches the run served at ``HOST:PORT``."""
    sources = "'self'"
    if _NAMEABLE.fullmatch(host):
        # To some browsers a WebSocket of the page's own server is not itself.
        sources += f" ws://{host} wss://{host}"
    return _page("live", sources)


@lru_cache(maxsize=1)
def report_page() -> Document:
    """The page that shows the run embedded in it, and reaches nothing."""
    return _page("report", "'none'")


def _page(mode: Mode, connect: str) -> Document:
    style = _all_of(_STYLES)
    script = f'(() => {{\n"use strict";\n{_all_of(_SCRIPTS)}}})();\n'
    # Neither can be escaped there, so neither may be in need of it.
    if _NO_SCRIPT_TEXT.search(script) or _NO_STYLE_TEXT.search(style):
        raise ValueError("the page's own script or style would end too early")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; connect-src {connect}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {"mode": mode, "policy": escape(policy), "style": style, "script": script}
    template = files(__name__).joinpath("page.html").read_text(encoding="utf-8")
    begin, end = (_MARK.sub(lambda found: parts[found[1]], part).encode() for part in template.split("{{run}}"))
    return Document(begin=begin, end=end, policy=f"{policy}; frame-ancestors 'none'")


def _all_of(names: tuple[str, ...]) -> str:
    folder = files(__name__)
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
