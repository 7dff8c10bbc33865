"""What came of single steps of a real run, asked for while and after it is on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import jsonschema
import trio
from programs import a_case, running, watch

from sisyphus.live.asyncapi import description

CASE = """
    name: details
    config:
      variables: {api_key: hush-hush-4711}
      mock_server: {routes: [{path: /user, response: {body: {name: Ann, key: "${request.headers['x-api-key']}"}}}]}
    steps:
      - name: twice
        type: loop
        loop_count: 2
        steps: [{name: get, url: /user, headers: {X-Api-Key: "${api_key}"}, extract: {name: $.name}}]
      - {name: wrong, url: /user, validations: [{eq: [$.name, Bob]}]}
"""


async def fetched(url: str) -> Any:
    opener = build_opener(ProxyHandler({}))
    return json.loads(await trio.to_thread.run_sync(lambda: opener.open(url, timeout=10).read()))


async def test_they_are_the_steps_of_the_result_each_by_itself(tmp_path: Path) -> None:
    path = a_case(tmp_path, CASE)
    async with running(path, "--ws-port", "0", "--format", "json", "--ws-linger", "20", cwd=tmp_path) as underway:
        url = await underway.url()
        seen = await watch(url)
        seqs = [event["seq"] for event in seen.events if event["type"] == "step_complete"]
        page = url.replace("ws", "http", 1)
        details = await fetched(f"{page}/details?{'&'.join(f'seq={seq}' for seq in [*seqs, 1])}")
        underway.interrupt()
        steps = (await underway.done()).document["cases"][0]["steps"]
    jsonschema.validate(details, description("localhost")["components"]["schemas"]["details"])
    children = steps[0].pop("children")
    assert [details[str(seq)] for seq in seqs] == [*children, steps[0], steps[1]]
    assert details["1"] is None
    assert details[str(seqs[0])]["response"]["body"]["name"] == "Ann"
    assert "hush-hush" not in json.dumps(details)
