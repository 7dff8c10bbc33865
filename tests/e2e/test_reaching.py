"""Case files against servers and proxies that nobody here wrote: TLS, client certificates, HTTP/2, tunnels."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import real_servers
import trio
import trustme
from programs import a_case

import sisyphus
from sisyphus.report.json_result import document


class Pki:
    """A certificate authority of this test's own, and what it has signed, as files."""

    def __init__(self, folder: Path) -> None:
        ca, server, client = trustme.CA(), None, None
        self.ca, self.server, self.client = folder / "ca.pem", folder / "server.pem", folder / "client.pem"
        ca.cert_pem.write_to_path(self.ca)
        server = ca.issue_cert("localhost", "127.0.0.1")
        server.private_key_and_cert_chain_pem.write_to_path(self.server)
        client = ca.issue_cert("tester@client.test", common_name="tester")
        client.private_key_and_cert_chain_pem.write_to_path(self.client)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(autouse=True)
def _trusted(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca))


@pytest.fixture(scope="module")
def asking(pki: Pki) -> Iterator[str]:
    """httpbin, which lets in only who shows a certificate."""
    files = ["--certfile", str(pki.server), "--keyfile", str(pki.server), "--ca-certs", str(pki.ca), "--cert-reqs", "2"]
    with real_servers.httpbin(*files) as port:
        yield f"https://127.0.0.1:{port}"


APP = '''
import asyncio

async def app(scope, receive, send):
    """Tells who asks: one port of the client's is one connection."""
    if scope["type"] != "http":
        return
    if scope["path"].startswith("/slow"):
        await asyncio.sleep(10)
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    text = '{"port": %d, "version": "%s", "size": %d}' % (scope["client"][1], scope["http_version"], len(body))
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
'''


@pytest.fixture(scope="module")
def modern(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service behind Hypercorn, over HTTP/2."""
    app = tmp_path_factory.mktemp("app") / "service.py"
    app.write_text(APP)
    with real_servers.hypercorn(app, "--certfile", str(pki.server), "--keyfile", str(pki.server)) as port:
        yield f"https://127.0.0.1:{port}"


async def played(folder: Path, steps: str, **options: Any) -> list[Any]:
    """The steps of a case as the JSON result has them, credentials too."""
    text = f"name: c\nconfig: {{masking_strategy: none}}\nsteps:\n{textwrap.indent(textwrap.dedent(steps), '  ')}"
    result = await sisyphus.run(a_case(folder, text), live=None, **options)
    done: list[Any] = document(result, engine_version="1")["cases"][0]["steps"]
    return done


def open_sockets() -> set[str]:
    """What this process has open as a socket, by its number in the system."""
    links = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return {str(link) for link in links if str(link).startswith("socket:")}


# ---- client certificates


async def test_a_server_that_asks_for_a_certificate_is_shown_it(asking: str, pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_bytes(pki.client.read_bytes())
    shown, without, again = await played(
        tmp_path,
        f"""
        - {{name: shown, url: '{asking}/get', cert: client.pem}}
        - {{name: without, url: '{asking}/get'}}
        - {{name: again, url: '{asking}/post', method: POST, json: {{a: 1}}, cert: [client.pem, client.pem]}}
        """,
    )
    assert (shown["response"]["status_code"], shown["response"]["timings"]["tls"] > 0) == (200, True)
    assert (without["status"], without["error"]["category"]) == ("error", "network")
    assert again["response"]["body"]["json"] == {"a": 1}


async def test_a_certificate_may_lie_in_the_projects_folder_but_not_outside(
    asking: str, pki: Pki, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    (project / ".sisyphus").mkdir(parents=True)
    (project / ".sisyphus" / "config.yaml").write_text("cert: certs/client.pem\n")
    (project / "certs").mkdir()
    (project / "certs" / "client.pem").write_bytes(pki.client.read_bytes())
    (tmp_path / "client.pem").write_bytes(pki.client.read_bytes())
    inside, outside, nowhere = await played(
        project / "cases" / "deep",
        f"""
        - {{name: inside, url: '{asking}/get'}}
        - {{name: outside, url: '{asking}/get', cert: ../../../client.pem}}
        - {{name: nowhere, url: '{asking}/get', cert: {{cert: nowhere.pem}}}}
        """,
    )
    assert inside["status"] == "success"
    assert "is outside the project's folder" in outside["error"]["message"]
    assert "the file nowhere.pem does not exist" in nowhere["error"]["message"]


# ---- HTTP/2


async def test_requests_at_once_are_one_connection_of_http2(modern: str, tmp_path: Path) -> None:
    steps = ", ".join(
        f"{{name: 'n{number}', url: '{modern}/', method: POST, body: '{'x' * number}', http2: true}}"
        for number in range(50)
    )
    (load,) = await played(
        tmp_path, f"- {{name: all at once, type: concurrent, max_concurrency: 50, concurrent_steps: [{steps}]}}\n"
    )
    answers = [child["response"] for child in load["children"]]
    assert {answer["http_version"] for answer in answers} == {"HTTP/2"}
    assert len({answer["body"]["port"] for answer in answers}) == 1
    assert sorted(answer["body"]["size"] for answer in answers) == list(range(50))
    assert sum(answer["timings"]["connect"] is not None for answer in answers) == 1


async def test_one_that_takes_too_long_harms_no_other(modern: str, tmp_path: Path) -> None:
    (load, after) = await played(
        tmp_path,
        f"""
        - name: all at once
          type: concurrent
          max_concurrency: 10
          concurrent_steps:
            - {{name: slow, url: '{modern}/slow', http2: true, timeout: 0.4}}
            - {{name: a, url: '{modern}/', http2: true}}
            - {{name: b, url: '{modern}/', http2: true}}
        - {{name: after, url: '{modern}/', http2: true}}
        """,
    )
    slow, *others = load["children"]
    assert slow["error"]["category"] == "timeout"
    ports = {each["response"]["body"]["port"] for each in [*others, after]}
    assert len(ports) == 1
    assert after["response"]["timings"]["connect"] is None


@pytest.mark.real
async def test_nginx_may_leave_after_every_few_requests(pki: Pki, tmp_path: Path) -> None:
    block = f"ssl_certificate {pki.server}; ssl_certificate_key {pki.server}; keepalive_requests 20; return 200 '{{\"a\": 1}}';"
    with real_servers.nginx(tmp_path, block) as port:
        (load,) = await played(
            tmp_path,
            f"""
            - name: many
              url: https://localhost:{port}/
              http2: true
              parallel: {{threads: 10, iterations: 30}}
              validations:
                - eq: ["$.performance.failures", 0]
                - eq: ["$.performance.count", 300]
            """,
        )
    assert load["status"] == "success", load


async def test_a_run_over_http2_leaves_no_socket_however_it_ends(modern: str, tmp_path: Path) -> None:
    before = open_sockets()
    await played(tmp_path, f"- {{name: s, url: '{modern}/', http2: true}}")
    assert open_sockets() == before
    with trio.move_on_after(0.5) as scope:
        await played(tmp_path, f"- {{name: s, url: '{modern}/slow', http2: true}}")
    assert scope.cancelled_caught
    assert open_sockets() == before


# ---- proxies


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Tinyproxy, which lets in only who has its password."""
    with real_servers.tinyproxy(tmp_path_factory.mktemp("proxy"), "BasicAuth ann s3cret") as port:
        yield f"127.0.0.1:{port}"


@pytest.mark.real
async def test_requests_go_through_a_real_proxy(
    proxy: str, httpbin: str, asking: str, pki: Pki, tmp_path: Path
) -> None:
    (tmp_path / "client.pem").write_bytes(pki.client.read_bytes())
    known = f"http://ann:s3cret@{proxy}"
    plain, tunnelled, redirected, direct = await played(
        tmp_path,
        f"""
        - {{name: plain, url: '{httpbin}/get', proxy: '{known}'}}
        - {{name: tunnelled, url: '{asking}/get', proxy: '{known}', cert: client.pem}}
        - {{name: redirected, url: '{httpbin}/redirect-to?url={asking}/get', proxy: '{known}', cert: client.pem}}
        - {{name: direct, url: '{httpbin}/get'}}
        """,
    )
    assert "tinyproxy" in plain["response"]["headers"]["Via"]
    assert "Proxy-Authorization" not in plain["response"]["body"]["headers"]
    assert tunnelled["response"]["status_code"] == redirected["response"]["status_code"] == 200
    assert "Via" not in tunnelled["response"]["headers"]
    assert redirected["response"]["url"] == f"{asking}/get"
    assert "Via" not in direct["response"]["headers"]


@pytest.mark.real
async def test_a_real_proxy_refuses_who_has_no_password(proxy: str, httpbin: str, asking: str, tmp_path: Path) -> None:
    plain, tunnelled = await played(
        tmp_path,
        f"""
        - {{name: plain, url: '{httpbin}/get', proxy: 'http://{proxy}'}}
        - {{name: tunnelled, url: '{asking}/get', proxy: 'http://ann:wrong@{proxy}'}}
        """,
    )
    assert plain["response"]["status_code"] == 407
    assert tunnelled["error"]["type"] == "ProxyError"
    assert tunnelled["error"]["message"].startswith(f"the proxy {proxy} wants to know who asks: 40")
    assert "wrong" not in str(tunnelled)


@pytest.mark.real
async def test_http2_goes_through_the_tunnel_of_a_real_proxy(proxy: str, modern: str, tmp_path: Path) -> None:
    known = f"http://ann:s3cret@{proxy}"
    first, again = await played(
        tmp_path,
        f"""
        - {{name: first, url: '{modern}/', http2: true, proxy: '{known}'}}
        - {{name: again, url: '{modern}/', http2: true, proxy: '{known}'}}
        """,
    )
    assert first["response"]["http_version"] == "HTTP/2"
    assert again["response"]["body"]["port"] == first["response"]["body"]["port"]


@pytest.mark.real
async def test_the_environment_names_the_proxy_if_it_is_asked(proxy: str, httpbin: str, tmp_path: Path) -> None:
    environ = {"HTTP_PROXY": f"http://ann:s3cret@{proxy}", "NO_PROXY": "localhost"}
    local = httpbin.replace("127.0.0.1", "localhost")
    asked, excepted, unasked = await played(
        tmp_path,
        f"""
        - {{name: asked, url: '{httpbin}/get', proxy: env}}
        - {{name: excepted, url: '{local}/get', proxy: env}}
        - {{name: unasked, url: '{httpbin}/get'}}
        """,
        environ=environ,
    )
    assert ["Via" in step["response"]["headers"] for step in (asked, excepted, unasked)] == [True, False, False]
