"""Secrets planted everywhere in a case, looked for in every byte that leaves the process."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

from programs import Watched, a_case, running, watch

PASSWORD = 'pa/ss wörd+"1"'  # has another form in each encoding
TOKEN = "tok-8f3a91c2"
FROM_ENV = "env-77aa01bc"
DECLARED = "330102-1990-0101"
LISTED = "listpw-778899"
FOUND = "refr-4242aabb"
INNER = "innerpw-6161"

CASE = """
    name: "secrets of ${user}: ${password}"
    description: "the password is ${password}"
    config:
      sensitive_fields: [id_card]
      websocket: {send_variables: true}
      headers: {X-Api-Key: "${env.SERVICE_TOKEN}"}
      variables:
        user: ann
        password: 'pa/ss wörd+"1"'
        id_card: 330102-1990-0101
        copied: "prefix ${password} suffix"
        users: [{name: bob, password: listpw-778899}]
      mock_server:
        - method: POST
          path: /login
          response:
            headers: {Set-Cookie: "sid=sid-12345678"}
            body: {access_token: tok-8f3a91c2, echo: "${request.body}", again: "x ${request.json.password} y"}
        - path: /other
          # Put together only when it is asked for: what stands in the file is known before.
          response: {body: {refresh_token: "${'refr-' ~ '4242aabb'}", inner: '{"password": "innerpw-6161"}'}}
        - {path: "/users/{id}", response: {body: {seen: "${request.headers.authorization}", card: "${request.query}"}}}
    setup: {type: print, message: "logging in with ${password} and ${id_card}"}
    steps:
      - name: "log in as ${user} with ${password}"
        method: POST
        url: "/login"
        json: {user: "${user}", password: "${password}"}
        auth: {type: basic, username: "${user}", password: "${password}"}
        extractors:
          - {name: token, type: jsonpath, path: access_token, always: true}
          - {name: everything, type: jsonpath, path: body, always: true}
        validations:
          - eq: ["$.access_token", wrong]
          - eq: ["$.again", nothing]
      - name: use it
        url: "/users/1?token=${token}&card=${id_card}&pw=${password|urlencode}"
        auth: {type: bearer, token: "${token}"}
        extractors: [{name: token, type: jsonpath, path: $.seen}]
        validations:
          - {type: eq, path: "$.seen", expect: "${password}", error_message: "got ${actual}, not ${expected}"}
          - contains: ["$.card", "${password}"]
      - name: "as ${users[0].password}"
        url: "/other?who=${users[0].password}"
        extractors: [{name: seen, path: $.refresh_token, always: true}]
        validations: [{eq: ["$.inner", "${users[0].password}"]}]
      - {name: "use ${seen}", url: "/users/2?t=${seen}"}
      - {name: no such host, url: "http://127.0.0.1:1/${token}/${password}?api_key=${env.SERVICE_TOKEN}"}
      - {name: broken, url: "/${password.nothing.at.all}"}
      - {name: skipped, url: /, skip_if: "password == password"}
"""


def forms(secret: str) -> Iterator[str]:
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1])
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    for before in ("", "a", "ab", "ann:"):
        coded = base64.b64encode(f"{before}{secret}".encode()).decode()
        yield coded[len(before) * 2 + 2 : -4]


def unpacked(report: Path) -> Iterator[str]:
    """The page, and what is packed in it."""
    text = report.read_text(encoding="utf-8")
    yield text
    for block in re.findall(r'class="run-[^>]*>([^<]*)<', text):
        yield gzip.decompress(base64.b64decode(block)).decode()


async def test_no_secret_leaves_the_process_by_any_way(tmp_path: Path) -> None:
    case = a_case(tmp_path, CASE)
    watched = Watched()
    arguments = ("--ws-server", "--ws-port", "0", "--ws-wait-clients", "1", "-v", "-o", "result.json", "--debug")
    arguments += ("--html", "report.html")
    async with running(case, *arguments, cwd=tmp_path, env={"SERVICE_TOKEN": FROM_ENV}) as underway:
        await watch((await underway.until(r"ws://\S+"))[0], watched)
        done = await underway.done()
    left = {
        "stdout": done.out,
        "stderr": done.err,
        "events": json.dumps(watched.events, ensure_ascii=False),
        "result": (tmp_path / "result.json").read_text(encoding="utf-8"),
        "report": "\n".join(unpacked(tmp_path / "report.html")),
    }
    assert left["report"].count('"step_complete"') == watched.types.count("step_complete")
    assert '"validations"' in left["report"]
    assert "test_complete" in watched.types
    assert "***" in left["stdout"]
    assert "***" in left["events"]
    assert "***" in left["result"]
    assert "***" in left["report"]
    assert '"use ***"' in left["events"]
    for where, text in left.items():
        for secret in (PASSWORD, TOKEN, FROM_ENV, DECLARED, LISTED, FOUND, INNER, "sid-12345678"):
            for form in forms(secret):
                at = text.find(form)
                assert at < 0, f"{where}: {text[max(at - 80, 0) : at + 80]}"
