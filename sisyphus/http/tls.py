"""TLS contexts: whom we trust, and what we show of ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from attrs import field, frozen

from sisyphus.errors import TlsError
from sisyphus.words import tr

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


@frozen(kw_only=True)
class Certificate:
    """A client certificate, in files of PEM.

    Attributes:
        file: the certificate, with those of its issuers if the server needs them, and its key if `key` does not have it.
        key: the private key.
        password: of the key, if it has one.
    """

    file: str
    key: str | None = None
    password: str | None = field(default=None, repr=False)


def trusting(verify: bool) -> ssl.SSLContext:
    """The context httpx makes, which reads `SSL_CERT_FILE` and `SSL_CERT_DIR`."""
    return httpx.create_ssl_context(verify=verify)


def make_context(
    make: Callable[[bool], ssl.SSLContext], verify: bool, certificate: Certificate | None, protocols: list[str]
) -> ssl.SSLContext:
    """Makes a context of our own; takes tens of milliseconds.

    Raises:
        TlsError: a file cannot be loaded.
    """
    try:
        context = make(verify)
    except OSError as exc:
        raise TlsError(
            tr("the trusted certificates cannot be loaded: {error}", error=exc),
            suggestion=tr("Check the files that SSL_CERT_FILE and SSL_CERT_DIR name."),
        ) from exc
    context.set_alpn_protocols(protocols)
    if certificate is not None:
        _show(context, certificate)
    return context


def _show(context: ssl.SSLContext, certificate: Certificate) -> None:
    try:
        # Without a password OpenSSL would ask the terminal for one.
        context.load_cert_chain(certificate.file, certificate.key, certificate.password or "")
    except OSError as exc:  # ssl.SSLError too
        reason = getattr(exc, "reason", None) or exc.strerror or exc
        files = certificate.file if certificate.key is None else f"{certificate.file}, {certificate.key}"
        raise TlsError(
            tr("the client certificate {files} cannot be loaded: {reason}", files=files, reason=reason),
            suggestion=tr(
                "Both files must be PEM, the key must belong to the certificate, and the password to the key."
            ),
        ) from exc
