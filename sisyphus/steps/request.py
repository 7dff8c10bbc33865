"""`request`: renders what is to be sent, sends it, and shows what came."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import evolve

from sisyphus.case._requesting import REQUEST, finish_request
from sisyphus.case.model import Request
from sisyphus.errors import FieldError
from sisyphus.steps.fields import flag
from sisyphus.steps.protocol import Outcome
from sisyphus.steps.reaching import certificate, proxy_for
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.model import Auth, StepMock, Upload
    from sisyphus.http.bodies import Part
    from sisyphus.http.request import Call
    from sisyphus.steps.protocol import StepContext

SPEC: Final = Request
KEYS: Final = REQUEST
INNER: Final = ()
DEFAULT_LIMIT: Final = True
ANSWERS: Final = True
finish: Final = finish_request

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


async def execute(spec: Request, context: StepContext) -> Outcome:
    """Sends the request; an answer of any status is a good outcome.

    Raises:
        StepError: it could not be sent, or no whole answer came.
    """
    from sisyphus.http.request import Call

    config, render = context.case.config, context.render
    call = Call(
        method=context.render_whole(spec.method),
        url=_url(context.render_whole(spec.url), context),
        params=render(spec.params),
        headers=_headers(render(config.headers), render(spec.headers)),
        cookies=render(spec.cookies),
        body=render(spec.body),
        json=render(spec.json),
        data=render(spec.data),
        files=tuple([await _part(upload, context) for upload in spec.files]),
        auth=_auth(spec.auth, context) if spec.auth is not None else None,
    )
    keep = _bytes(context.render_whole(spec.stream_limit))
    if spec.mock is not None and flag(context.render(spec.mock.enabled), "enabled"):
        return await _pretended(spec.mock, call, keep, context)
    response = await context.session.send(
        call,
        verify=_flag(spec.verify_ssl, config.verify_ssl, "verify_ssl", context),
        certificate=certificate(config.cert if spec.cert is None else spec.cert, context),
        proxy_for=proxy_for(config.proxy if spec.proxy is None else spec.proxy, context),
        http2=_flag(spec.http2, config.http2, "http2", context),
        follow_redirects=_flag(spec.follow_redirects, config.follow_redirects, "follow_redirects", context),
        keep=keep,
        sends=context.sends,
    )
    return Outcome(view=response.view(), warnings=response.warnings)


async def _pretended(mock: StepMock, call: Call, keep: int, context: StepContext) -> Outcome:
    from sisyphus.steps.mocked import answering

    await context.log("debug", tr("answered by the step's mock: nothing is sent"))
    response = await context.session.pretend(call, answering(mock, context), keep=keep)
    return Outcome(view=response.view(), warnings=response.warnings)


def _url(url: Any, context: StepContext) -> Any:
    """The URL, joined with the base if it is relative: written behind it, as testers expect of a base with a path."""
    if not isinstance(url, str) or _ABSOLUTE.match(url):
        return url
    base = context.render_whole(context.base_url)
    if not base:
        raise FieldError(
            tr("the URL '{url}' is relative, and there is no base_url", url=url),
            suggestion=tr("Give config.base_url (or the profile's), or write the whole URL with http://."),
        )
    if not url:
        return base
    base = str(base).rstrip("/")
    return base + url if url[0] in "?#" else f"{base}/{url.lstrip('/')}"


def _headers(defaults: Any, own: Any) -> Any:
    """The step's headers over the case's; names are compared without regard to case."""
    if not defaults:
        return own
    if own is not None and not isinstance(own, dict):
        return own
    mine = {name.lower() for name in own or {}}
    return {name: value for name, value in defaults.items() if name.lower() not in mine} | dict(own or {})


def _flag(own: Any, default: Any, field: str, context: StepContext) -> bool:
    return flag(context.render_whole(default if own is None else own), field)


def _bytes(value: Any) -> int:
    try:
        return max(int(value), 0)
    except (TypeError, ValueError, OverflowError):
        raise FieldError(
            tr("{field} must be a number of bytes, got {value!r}", field="stream_limit", value=value)
        ) from None


def _auth(auth: Auth, context: StepContext) -> Auth:
    return evolve(
        auth,
        username=context.render_whole(auth.username),
        password=context.render_whole(auth.password),
        token=context.render_whole(auth.token),
        key=context.render_whole(auth.key),
        value=context.render_whole(auth.value),
    )


async def _part(upload: Upload, context: StepContext) -> Part:
    from sisyphus.http.bodies import Part

    path = context.resolve_file(str(context.render_whole(upload.path)))
    try:
        content = await trio.Path(path).read_bytes()
    except OSError as exc:
        raise FieldError(tr("cannot read {path}: {reason}", path=upload.path, reason=exc.strerror or exc)) from exc
    return Part(
        field=str(context.render_whole(upload.field)),
        filename=str(context.render_whole(upload.filename)) if upload.filename is not None else path.name,
        content=content,
        content_type=_text_or_none(context.render_whole(upload.content_type)),
    )


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
