"""XPath over XML and HTML, by lxml: no network, no entities, no DTD."""

from __future__ import annotations

import re
from typing import Any, Final

from sisyphus.errors import QueryError
from sisyphus.values._abandon import call_within_time
from sisyphus.values._text import shorten
from sisyphus.words import tr

# What may look at every node for every node; a thread costs as much as twenty simple expressions.
_COSTLY: Final = re.compile(r"\[.*(?:/|::|\*|count)|(?:following|preceding|ancestor)|//.*//", re.DOTALL)

_HTML_BEGINNINGS: Final = ("<!doctype html", "<html")


def find_all(expression: str, text: str) -> list[Any]:
    """Evaluates an XPath expression over a document.

    Returns:
        The matches in order: the text of elements, attributes and text nodes, or the one number or truth value that
        the expression computes. Prefixes are those of the root element.

    Raises:
        QueryError: the expression is wrong, or the text is neither XML nor HTML.
    """
    from lxml import etree

    root = _parse(text)
    namespaces = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    try:
        # No EXSLT regular expressions: patterns of users are bounded elsewhere.
        compiled = etree.XPath(expression, namespaces=namespaces, regexp=False)
        found: Any = call_within_time(lambda: compiled(root)) if _COSTLY.search(expression) else compiled(root)
    except (etree.XPathError, ValueError, TypeError) as error:
        raise QueryError(tr("'{path}' is no valid XPath: {reason}", path=shorten(expression), reason=error)) from error
    if not isinstance(found, list):
        return [_plain(found)]
    return [_plain(match) for match in found]


def _parse(text: str) -> Any:
    from lxml import etree

    data = text.strip().encode()
    if not data:
        raise QueryError(tr("there is no body to search"))
    if not text.lstrip()[:200].lower().startswith(_HTML_BEGINNINGS):
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            encoding="utf-8",
        )
        try:
            return etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            if data.startswith(b"<?xml"):
                raise QueryError(tr("the body is no valid XML: {reason}", reason=error)) from error
    try:
        root = etree.fromstring(data, etree.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8"))
    except etree.ParserError as error:
        raise QueryError(tr("the body is neither XML nor HTML: {reason}", reason=error)) from error
    if root is None:
        raise QueryError(tr("the body is neither XML nor HTML"))
    return root


def _plain(match: Any) -> Any:
    if isinstance(match, str):
        return str(match)
    if hasattr(match, "itertext"):
        return "".join(match.itertext()).strip()
    if isinstance(match, float):  # XPath knows no other numbers; count() is a whole one
        return int(match) if match.is_integer() else match
    return match if isinstance(match, bool) else str(match)
