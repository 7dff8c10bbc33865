"""The spellings of how a request reaches its server: through a proxy, with a certificate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sisyphus.case._shapes import example, expected, require
from sisyphus.case.draft import Draft, spellings, take
from sisyphus.case.yaml import Map, Seq
from sisyphus.errors import Mark
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Findings, Place

REACHING: Final = spellings("proxy", "cert", "http2", client_cert="cert", client_certificate="cert")

_CERT: Final = spellings(
    "cert", "key", "password",
    certificate="cert", file="cert", cert_file="cert", key_file="key", private_key="key",
    passphrase="password",  # noqa: S106 - a name
)  # fmt: skip
_NOTHING: Final = (None, False, "")
_PROXY: Final = re.compile(r"(https?://)?([^/?#\s]*@)?(\[[0-9a-f:.]+\]|[^/?#\s:@\[\]]+)(:[0-9]{1,5})?/?", re.IGNORECASE)
_PROXY_FORM: Final = "proxy: http://user:password@localhost:3128"
_CERT_FORM: Final = "cert: {cert: client.pem, key: client.key}"


def finish_reaching(draft: Draft, found: Findings) -> None:
    """Completes `proxy` and `cert` of a step or of settings; what says none is empty in the model."""
    if "proxy" in draft:
        _proxy(draft, found)
    if "cert" in draft:
        place = draft.place_of("cert")
        cert = _cert(draft["cert"], place, found)
        if cert is None:
            draft.discard("cert")
        else:
            draft.put("cert", cert, place)


def _proxy(draft: Draft, found: Findings) -> None:
    value, place = draft["proxy"], draft.place_of("proxy")
    if value in _NOTHING:
        draft.put("proxy", "", place)
    elif not isinstance(value, str):
        found.wrong(place, f"{draft.key_of('proxy')}: {expected(tr('text'), value)}", example(_PROXY_FORM))
        draft.discard("proxy")
    elif "${" not in value and "{{" not in value and not _PROXY.fullmatch(value.strip()):
        _, at, host = value.rpartition("@")  # what stands before it may be a password
        message = tr("'{url}' is no HTTP proxy", url=f"…@{host}" if at else value)
        found.wrong(place, message, example(_PROXY_FORM))
        draft.discard("proxy")


def _cert(value: Any, place: Place, found: Findings) -> Draft | None:
    if isinstance(value, Map):
        draft = take(value, _CERT, "cert", found)
        if not require(draft, "cert", tr("a client certificate needs a file"), _CERT_FORM, found):
            return None
    else:
        draft = Draft(place)
        items: list[tuple[str, Any, Place]] = []
        if value in _NOTHING:
            items = [("cert", "", place)]
        elif isinstance(value, str):
            items = [("cert", value, place)]
        elif isinstance(value, Seq) and len(value) in {1, 2}:
            places = [(value.file, *mark) for mark in value.marks]
            items = list(zip(("cert", "key"), value, places, strict=False))
        for key, part, at in items:
            draft.put(key, part, at)
        if not draft:
            found.wrong(
                place, f"cert: {expected(tr('a path, [certificate, key], or a mapping'), value)}", example(_CERT_FORM)
            )
            return None
    # All three, so that a certificate of one layer takes nothing from another's.
    for key in ("key", "password"):
        if key not in draft:
            draft.put(key, None, place)
    draft["where"] = Mark(*place)
    return draft
