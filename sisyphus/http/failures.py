"""What can go wrong on the wire, in sentences a tester understands; exceptions of other libraries stop here."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import ssl
from typing import TYPE_CHECKING, Final

import h11
import httpcore
import httpx

from sisyphus.errors import BrokenResponse, ConnectError, FieldError, ProxyError, ResolveError, StepError, TlsError
from sisyphus.http.network import GivenUp, Unanswered, Unprocessed
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sisyphus.http.proxies import Proxy

# What OpenSSL says when the other side does not answer in TLS; the names changed with its version 3.2.
_NOT_TLS: Final = frozenset({
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
    "HTTP_REQUEST",
    "UNSUPPORTED_PROTOCOL",
})
_HOSTNAME_MISMATCH: Final = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH

_LAST_PORT: Final = 65535

_NO_MORE_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})

# h11 tells these apart by their text only.
_CUT_SHORT: Final = re.compile(r"received (\d+) bytes, expected (\d+)")
_NO_STATUS_LINE: Final = re.compile(r"illegal status line: bytearray\((.*)\)", re.DOTALL)


@contextlib.contextmanager
def translated(url: httpx.URL, proxy: Proxy | None = None) -> Iterator[None]:
    """Turns the failures of an exchange with the server of `url` into `sisyphus.errors`, chained."""
    try:
        yield
    except _FOREIGN as exc:
        error = _translate(exc, url)
        if proxy is not None:  # it may be the one to blame
            told = tr("{reason} (through the proxy {proxy})", reason=error, proxy=proxy)
            error = type(error)(told, suggestion=error.suggestion)
        raise error from exc


@contextlib.contextmanager
def translated_for_proxy(proxy: Proxy) -> Iterator[None]:
    """The same for what goes wrong on the way to a proxy, or with it."""
    try:
        yield
    except _FOREIGN as exc:
        url = httpx.URL(scheme="https" if proxy.secure else "http", host=proxy.host, port=proxy.port)
        raise ProxyError(tr("the proxy cannot be used: {reason}", reason=_translate(exc, url))) from exc


def parse_url(text: str) -> httpx.URL:
    """Parses an absolute http or https URL.

    Raises:
        FieldError: it is something else; the message says what it lacks.
    """
    try:
        url = httpx.URL(text.strip())
        host = url.host  # httpx decodes it at each look, and so raises now or later for what is wrong in it
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise FieldError(tr("'{url}' is not a URL: {reason}", url=text, reason=exc)) from exc
    if has_impossible_port(url):
        raise FieldError(tr("the URL '{url}' has a port beyond {last}", url=text, last=_LAST_PORT))
    if url.scheme not in {"http", "https"} or not host:
        raise FieldError(
            tr("the URL '{url}' does not begin with http:// or https:// and a host", url=text),
            suggestion=tr("Write the whole URL, or set base_url."),
        )
    return url


def shown(url: httpx.URL) -> str:
    """The URL without a password in it."""
    return str(url.copy_with(userinfo=b"") if url.userinfo else url)


def has_impossible_port(url: httpx.URL) -> bool:
    """Whether the port is one that cannot be; the resolver would take what is left of it after 16 bits."""
    return (url.port or 0) > _LAST_PORT


def _translate(exc: Exception, url: httpx.URL) -> StepError:
    if fault := _tls_fault(exc):
        return _untrusted(fault, url)
    for kind, tell in _SENTENCES:
        if isinstance(exc, kind):
            return tell(exc, url)
    return BrokenResponse(tr("the exchange with {where} failed: {reason}", where=_where(url), reason=exc))


def _where(url: httpx.URL) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def _tls_fault(exc: BaseException | None) -> ssl.SSLError | None:
    while exc is not None and not isinstance(exc, ssl.SSLError):
        exc = exc.__cause__ or exc.__context__  # httpcore's pool raises again `from None`, which forgets the cause
    return exc


def _untrusted(fault: ssl.SSLError, url: httpx.URL) -> StepError:
    where = _where(url)
    if isinstance(fault, ssl.SSLCertVerificationError):
        if fault.verify_code in _HOSTNAME_MISMATCH:
            said = fault.verify_message
            return TlsError(tr("the certificate of {where} is for another name: {reason}", where=where, reason=said))
        said = fault.verify_message
        return TlsError(tr("the certificate of {where} is not trusted: {reason}", where=where, reason=said))
    if isinstance(fault, ssl.SSLEOFError):
        return TlsError(tr("{where} closed the connection during the TLS handshake", where=where))
    if fault.reason in _NOT_TLS:
        return TlsError(
            tr("{where} does not speak TLS", where=where),
            suggestion=tr("Is it plain HTTP? Then write http:// instead of https://."),
        )
    reason = (fault.reason or str(fault)).replace("_", " ").lower()
    return TlsError(tr("no TLS connection with {where}: {reason}", where=where, reason=reason))


def _unresolved(exc: Exception, url: httpx.URL) -> StepError:
    reason = exc.args[-1] if exc.args else exc
    return ResolveError(tr("the host name '{host}' has no address: {reason}", host=url.host, reason=reason))


def _refused(exc: Exception, url: httpx.URL) -> StepError:
    return ConnectError(tr("nothing listens on {where} (connection refused)", where=_where(url)))


def _unreachable(exc: Exception, url: httpx.URL) -> StepError:
    number = getattr(exc, "errno", None)
    if number in _NO_MORE_FILES:
        return ConnectError(
            tr(
                "no connection to {where}: this process has as many files and connections open as it may",
                where=_where(url),
            ),
            suggestion=tr("Run fewer cases at a time (--jobs), or allow more open files (ulimit -n)."),
        )
    reason = os.strerror(number) if isinstance(number, int) else exc
    return ConnectError(tr("{where} cannot be reached: {reason}", where=_where(url), reason=reason))


def _no_handshake(exc: Exception, url: httpx.URL) -> StepError:
    return TlsError(tr("{where} closed the connection during the TLS handshake", where=_where(url)))


def _unanswered(exc: Exception, url: httpx.URL) -> StepError:
    return BrokenResponse(tr("{where} closed the connection without an answer", where=_where(url)))


def _unprocessed(exc: Exception, url: httpx.URL) -> StepError:
    return BrokenResponse(tr("{where} takes no request over HTTP/2: {reason}", where=_where(url), reason=exc))


def _given_up(exc: Exception, url: httpx.URL) -> StepError:
    return BrokenResponse(tr("{where} gave up its answer over HTTP/2: {reason}", where=_where(url), reason=exc))


def _broken(exc: Exception, url: httpx.URL) -> StepError:
    return BrokenResponse(tr("the connection to {where} broke before the answer was complete", where=_where(url)))


def _misdirected(exc: Exception, url: httpx.URL) -> StepError:
    return BrokenResponse(
        tr("{where} redirects to what is no URL: {reason}", where=_where(url), reason=exc),
        suggestion=tr("To look at the redirect itself, set follow_redirects: false."),
    )


def _unwritable(exc: Exception, url: httpx.URL) -> StepError:
    return FieldError(
        tr("this request cannot be written as HTTP: {reason}", reason=exc),
        suggestion=tr("Check the request's own headers, such as Content-Length, Transfer-Encoding and Host."),
    )


def _garbled(exc: Exception, url: httpx.URL) -> StepError:
    where, said = _where(url), str(exc)
    if found := _CUT_SHORT.search(said):
        got, whole = found.groups()
        sentence = tr(
            "{where} closed the connection before the answer was complete: got {got} of {whole} bytes",
            where=where,
            got=got,
            whole=whole,
        )
    elif "incomplete chunked read" in said:
        sentence = tr(
            "{where} closed the connection before the answer was complete: its last chunk did not come", where=where
        )
    elif "disconnected without sending" in said or "peer unexpectedly closed" in said:
        sentence = tr("{where} closed the connection in the middle of the answer's headers", where=where)
    elif "Receive buffer too long" in said:
        sentence = tr("the headers of the answer of {where} do not end", where=where)
    elif found := _NO_STATUS_LINE.search(said):
        sentence = tr("{where} does not answer in HTTP: it says {line}", where=where, line=found[1][1:80])
    else:
        sentence = tr("the answer of {where} is not valid HTTP: {reason}", where=where, reason=said)
    return BrokenResponse(sentence)


# Looked through from top to bottom: what is special stands above what is general.
_SENTENCES: Final[tuple[tuple[type[Exception], Callable[[Exception, httpx.URL], StepError]], ...]] = (
    (Unanswered, _unanswered),
    (Unprocessed, _unprocessed),
    (GivenUp, _given_up),
    (httpcore.ConnectError, _no_handshake),
    (httpcore.NetworkError, _broken),
    (httpcore.LocalProtocolError, _unwritable),
    (h11.LocalProtocolError, _unwritable),  # httpcore lets it through where it sends the body
    (httpcore.RemoteProtocolError, _garbled),
    (h11.RemoteProtocolError, _garbled),  # of what a proxy says, which we read ourselves
    (httpx.RemoteProtocolError, _garbled),
    (socket.gaierror, _unresolved),
    (ConnectionRefusedError, _refused),
    (OSError, _unreachable),
    (UnicodeError, _misdirected),  # of the hosts that come here only a redirect's has not been looked at
)
_FOREIGN: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    h11.ProtocolError,
    OSError,
    UnicodeError,
)
