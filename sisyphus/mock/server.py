"""The mock server on the network: Hypercorn's Trio worker, Starlette's requests and responses, our routes."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final

import trio

from sisyphus.errors import StartError
from sisyphus.http.headers import Headers
from sisyphus.mock.routes import Asked, Routes
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from sisyphus.case.model import MockServer

# Where the process has no file left for a connection, Trio waits and logs it; what no handler takes goes to the terminal,
# traceback and all.
logging.getLogger("trio.serve_listeners").addHandler(logging.NullHandler())

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses to listen on, and to be reached at


async def serve(server: MockServer, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    """Answers requests until it is cancelled; `started` carries the base URL, without a slash at its end.

    On cancellation every connection is closed at once, whatever answers are under way.

    Raises:
        StartError: the address cannot be listened on.
    """
    listeners = await _listen(server)
    connections: set[trio.SocketStream] = set()
    handle = _connection_handler(_application(Routes(server)), connections)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, handle, listeners)
        task_status.started(_url(listeners[0]))
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
    application: ASGIApp, connections: set[trio.SocketStream]
) -> Callable[[trio.SocketStream], Awaitable[None]]:
    """Serves one connection by Hypercorn.

    Not by `hypercorn.trio.serve`, which leaves open the sockets of connections that are cancelled, waits for those in
    a shielded send, and logs that it runs.
    """
    from hypercorn.app_wrappers import ASGIWrapper
    from hypercorn.config import Config
    from hypercorn.trio.tcp_server import TCPServer
    from hypercorn.trio.worker_context import WorkerContext

    wrapped = ASGIWrapper(application)  # type: ignore[arg-type]  # the same protocol, typed by Hypercorn with TypedDicts
    start = functools.partial(TCPServer, wrapped, Config(), WorkerContext(None), {})

    async def handle(stream: trio.SocketStream) -> None:
        connections.add(stream)
        try:
            await start(stream).run()  # type: ignore[arg-type]  # typed for TLS only; it asks what the stream is
        finally:
            connections.discard(stream)
            stream.socket.close()

    return handle


def _application(routes: Routes) -> ASGIApp:
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        try:
            asked = await _asked(Request(scope, receive))
        except ClientDisconnect:
            return
        reply = routes.answer(asked)
        await trio.sleep(reply.delay)
        response = Response(reply.content, reply.status_code)
        response.raw_headers = list(reply.headers)
        await response(scope, receive, send)

    return application


async def _asked(request: Request) -> Asked:
    query: dict[str, Any] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        query[name] = values[0] if len(values) == 1 else values
    return Asked(
        method=request.method,
        path=request.scope["path"],
        query=query,
        headers=Headers(request.scope["headers"]),
        body=(await request.body()).decode("utf-8", "replace"),
    )
