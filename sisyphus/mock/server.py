"""The mock server on the network: Hypercorn's Trio worker, Starlette's requests and responses, our routes."""

from __future__ import annotations

import logging
import math
from functools import partial
from typing import TYPE_CHECKING, Final

import trio
from attrs import frozen

from sisyphus.canned.asked import Asked
from sisyphus.canned.reply import Reply, problem
from sisyphus.errors import FieldError, StartError
from sisyphus.files import file_inside
from sisyphus.http.headers import Headers
from sisyphus.mock.routes import Routes, cannot_answer
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from sisyphus.case.model import MockServer
    from sisyphus.mock.record import Record

    Watch = Callable[["Exchange"], None]

MOST_BODY: Final = 64 * 1024 * 1024  # bytes of a request's body

# Where the process has no file left for a connection, Trio waits and logs it; what no handler takes goes to the terminal,
# traceback and all.
logging.getLogger("trio.serve_listeners").addHandler(logging.NullHandler())

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses to listen on, and to be reached at


@frozen(kw_only=True)
class Exchange:
    """A request and what came of it after some seconds; not `given`: the client left before."""

    asked: Asked
    reply: Reply
    seconds: float
    given: bool


async def serve(
    server: MockServer,
    *,
    watch: Watch | None = None,
    task_status: trio.TaskStatus[Record] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answers requests until it is cancelled.

    Args:
        server: what it answers.
        watch: called with each request and its reply, once that was given or was not wanted any more.
        task_status: `started` carries what it is asked from now on, and its base URL, without a slash at its end.

    On cancellation every connection is closed at once, whatever answers are under way.

    Raises:
        StartError: the address cannot be listened on.
    """
    listeners = await _listen(server)
    connections: set[trio.SocketStream] = set()
    routes = Routes(server)
    routes.record.url = _url(listeners[0])
    handle = _connection_handler(partial(_application, server, routes, watch), connections)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, handle, listeners)
        task_status.started(routes.record)
        try:
            await trio.sleep_forever()
        finally:
            # Hypercorn sends in shielded scopes, which a client that does not read would hold open for ever.
            _close(connections)


async def _listen(server: MockServer) -> list[trio.SocketListener]:
    try:
        listeners = await trio.open_tcp_listeners(server.port, host=server.host)
    except OSError as exc:
        address = f"{server.host}:{server.port}"
        reason = exc.strerror or str(exc)
        raise StartError(
            tr("the mock server cannot listen on {address}: {reason}", address=address, reason=reason)
        ) from exc
    if server.port == 0:  # a name with several addresses gets a port for each, but there is only one URL to give
        for listener in listeners[1:]:
            listener.socket.close()
        del listeners[1:]
    return listeners


def _url(listener: trio.SocketListener) -> str:
    host, port, *_ = listener.socket.getsockname()
    host = _EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _close(connections: Iterable[trio.SocketStream]) -> None:
    for stream in connections:
        stream.socket.close()


def _connection_handler(
    application_of: Callable[[trio.SocketStream], ASGIApp], connections: set[trio.SocketStream]
) -> Callable[[trio.SocketStream], Awaitable[None]]:
    """Serves one connection by Hypercorn.

    Not by `hypercorn.trio.serve`, which leaves open the sockets of connections that are cancelled, waits for those in
    a shielded send, and logs that it runs.
    """
    from hypercorn.app_wrappers import ASGIWrapper
    from hypercorn.config import Config
    from hypercorn.trio.tcp_server import TCPServer
    from hypercorn.trio.worker_context import WorkerContext

    config, context = Config(), WorkerContext(None)

    async def handle(stream: trio.SocketStream) -> None:
        connections.add(stream)
        wrapped = ASGIWrapper(application_of(stream))  # type: ignore[arg-type]  # the same protocol, typed by Hypercorn with TypedDicts
        serving = TCPServer(wrapped, config, context, {}, stream)  # type: ignore[arg-type]  # typed for TLS only; it asks what the stream is
        try:
            await serving.run()
        finally:
            connections.discard(stream)
            stream.socket.close()

    return handle


def _application(server: MockServer, routes: Routes, watch: Watch | None, stream: trio.SocketStream) -> ASGIApp:
    """What answers the requests of one connection."""
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        began = trio.current_time()
        try:
            asked, whole = await _asked(Request(scope, receive))
        except ClientDisconnect:
            return
        reply = routes.answer(asked) if whole else _too_large()
        if reply.file is not None:
            reply = await _filled(reply, reply.file, server)
        waiting = math.inf if reply.ending == "never" else reply.delay
        given = not waiting or await _stays(receive, waiting)
        if given and reply.ending == "close":
            stream.socket.close()
        elif given:
            response = Response(reply.content, reply.status_code)
            response.raw_headers = reply.wire_headers()
            await response(scope, receive, send)
        if watch is not None:
            watch(Exchange(asked=asked, reply=reply, seconds=trio.current_time() - began, given=given))

    return application


async def _asked(request: Request) -> tuple[Asked, bool]:
    """What is asked, and whether all of the body was read."""
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():  # each once: there may be thousands
        query.setdefault(name, []).append(value)
    body, whole = bytearray(), True
    async for chunk in request.stream():
        whole = whole and len(body) + len(chunk) <= MOST_BODY
        if whole:
            body += chunk
        else:
            body.clear()  # the rest is read all the same: the connection waits for it
    asked = Asked(
        method=request.method,
        path=request.scope["path"],
        url=str(request.url),
        query={name: values[0] if len(values) == 1 else values for name, values in query.items()},
        headers=Headers(request.scope["headers"]),
        body=body.decode("utf-8", "replace"),
    )
    return asked, whole


def _too_large() -> Reply:
    return problem(413, {"error": tr("the mock server takes bodies of at most {limit} bytes", limit=MOST_BODY)})


async def _filled(reply: Reply, file: str, server: MockServer) -> Reply:
    try:
        path = file_inside(file, folder=server.folder, root=server.root)
        content = await trio.Path(path).read_bytes()
    except FieldError as exc:
        return cannot_answer(reply.route, exc)
    except OSError as exc:
        return cannot_answer(reply.route, tr("cannot read {path}: {reason}", path=file, reason=exc.strerror or exc))
    return reply.filled(content, path.name)


async def _stays(receive: Receive, seconds: float) -> bool:
    """Waits so long, or until the client leaves; returns whether it is still there."""
    with trio.move_on_after(seconds) as patience:
        while (await receive())["type"] != "http.disconnect":
            pass  # nothing else comes once the body is read
    return patience.cancelled_caught
