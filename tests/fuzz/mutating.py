"""Case files as no careful person writes them: the examples, mutated by bytes, by lines and by structure."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import yaml

HOSTILE: Final[Sequence[Any]] = [
    None, True, False, -1, 0, 0.5, 10**30, -(10**30), 1e308, "", " ", "\n", "-1", "no", "0x10", "1e999", ".nan", [], {}, [[]],
    [None], {"": None}, {"a": {"b": [{"c": None}]}}, "a" * 5000, "中文", "\U0001f600", "\x00", "\ud7ff",
    "${", "${}", "${x", "${x}", "${x.y[0]}", "$${x}", "{{", "{{ x }}", "{% if x %}", "{% for a in range(9) %}{{ a }}{% endfor %}",
    "${range(10**12)}", "${'a' * 10**12}", "${9**9**9}", "${random_str(10**12)}", "${''.__class__.__mro__}", "${'%1000000000d' % 1}",
    "${'a'|center(10**10)}", "${[1]*10**9}", "${(1).__add__}", "${x|default(y|default(z))}", "${" + "(" * 200 + ")" * 200 + "}",
    "${file('../../../etc/passwd')}", "${env('HOME')}", "${config}", "${steps}", "${response.body.x}",
    "$", "$.", "$..*..*..*", "$[?(@.a)]", "$[?match(@.a, '(a|a)*$')]", "$[?@.a =~ /(a|a)*$/]", "$.a.b[0].c", "$[-1]", "$[::0]", "a b",
    "$..[?(@..a)]", "headers.X", "body.length()", "$.x.matches((a+)+$)", "(a|a)*$", "(a+)+$", "(", "[", "\\", "(?P<x>a)(?P<x>b)", "a{1,99999}",
    "/", "//", "//*[count(//*)>1]", "http://127.0.0.1:1/", "http://[::1", "http://example.invalid/", "https://127.0.0.1:1", "file:///etc/passwd",
    "../../../etc/passwd", "/etc/passwd", "GET /", "\r\nX: y", "2xx", "9xx", "basic", "request", "wait", "loop", "script", "database",
    "concurrent", "poll", "print", "function", "exponential", "eq", "regex", "schema", "timeout", "5 s", "today",
    {"type": "wait", "seconds": 1e9}, {"request": {"url": "/"}}, {"and": [{"or": []}]}, {"not": {"not": "x"}}, [{"eq": ["$", 1]}],
    {"type": "object", "$ref": "#"}, {"pattern": "(a|a)*$"}, ["a"] * 50,
]  # fmt: skip
_SNIPPETS: Final = [
    b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\xc3", b"- ", b": ", b"? ", b"& ", b"&a ", b"*a", b"!!python/object:x ", b"!include x.yaml",
    b"!include ../x", b"|\n", b">\n", b"#", b"'", b'"', b"{", b"}", b"[", b"]", b",", b"---\n", b"...\n", b"%YAML 1.1\n", b"<<: ", b"${", b"}}",
    b"null", b"~", b"  ", b"\n\n", b"name:", b"steps:", b"9" * 400, b"\xe4\xb8\xad", b"\xe2\x80\xae", b"\\u0000",
]  # fmt: skip


class _Loader(yaml.SafeLoader):
    """Takes an include for the name of its file: what is in that is not mutated."""


_Loader.add_constructor("!include", lambda loader, node: loader.construct_scalar(node))


def _load(source: bytes) -> Any:
    return yaml.load(source, _Loader)


def mutants(examples: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Mutated files without end; the same for the same seed."""
    chance = random.Random(seed)
    while True:
        source = chance.choice(examples)
        kind = chance.random()
        if kind < 0.4:
            yield _by_structure(source, examples, chance)
        else:
            ways = _BYTE_WAYS if kind < 0.75 else _LINE_WAYS
            for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
                source = chance.choice(ways)(source, chance)
            yield source[:200_000]


def _cut(source: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(source) + 1)
    return source[:start] + source[start + chance.choice([1, 2, 8, 64]) :]


def _insert(source: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(source) + 1)
    return source[:start] + chance.choice(_SNIPPETS) + source[start:]


def _flip(source: bytes, chance: random.Random) -> bytes:
    if not source:
        return source
    changed = bytearray(source)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _repeat(source: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(source) + 1)
    piece = source[start : start + chance.choice([1, 4, 32])]
    return source[:start] + piece * chance.choice([2, 3, 50]) + source[start:]


def _truncate(source: bytes, chance: random.Random) -> bytes:
    return source[: chance.randrange(len(source) + 1)]


_BYTE_WAYS: Final[Sequence[Callable[[bytes, random.Random], bytes]]] = (_cut, _insert, _flip, _repeat, _truncate)


def _with_lines(change: Callable[[list[bytes], random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    def changed(source: bytes, chance: random.Random) -> bytes:
        lines = source.split(b"\n")
        change(lines, chance)
        return b"\n".join(lines)

    return changed


def _drop_line(lines: list[bytes], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines))]


def _swap_lines(lines: list[bytes], chance: random.Random) -> None:
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _double_line(lines: list[bytes], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    lines.insert(place, lines[place])


def _indent_line(lines: list[bytes], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    lines[place] = b"  " + lines[place] if chance.random() < 0.5 else lines[place][1:]


_LINE_WAYS: Final = tuple(map(_with_lines, (_drop_line, _swap_lines, _double_line, _indent_line)))


def _by_structure(source: bytes, examples: Sequence[bytes], chance: random.Random) -> bytes:
    tree = _load(source)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        places = list(_places(tree))
        if not places:
            break
        parent, key = chance.choice(places)
        way = chance.random()
        if way < 0.15:
            del parent[key]
        elif way < 0.3 and isinstance(parent, dict):
            parent[_renamed(str(key), chance)] = parent.pop(key)
        elif way < 0.4:
            other_parent, other_key = chance.choice(list(_places(_load(chance.choice(examples)))))
            parent[key] = other_parent[other_key]
        elif way < 0.47:
            parent[key] = [parent[key]] if chance.random() < 0.5 else {str(key): copy.deepcopy(parent[key])}
        elif way < 0.5:
            for _depth in range(chance.choice([3, 40, 80])):
                parent[key] = [parent[key]] if chance.random() < 0.5 else {"a": parent[key]}
        else:
            parent[key] = copy.deepcopy(chance.choice(HOSTILE))
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8", "replace")


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        children = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        for key, value in children:
            yield one, key
            waiting.append(value)


def _renamed(key: str, chance: random.Random) -> str:
    return chance.choice([
        key + "s",
        key[:-1],
        key.upper(),
        "x",
        "type",
        "name",
        "steps",
        "body",
        "${x}",
        "",
        key[::-1],
    ])
