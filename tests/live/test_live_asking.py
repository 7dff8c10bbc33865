from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.journal import Interest
from sisyphus.live.asking import BadRequest, Wish, parameters, wish_of
from sisyphus.live.head import Head


def head(query: str, *headers: tuple[str, str]) -> Head:
    return Head(method="GET", target=f"/{query}", http_version="1.1", headers=headers, received=b"")


@pytest.mark.parametrize(
    ("query", "wish"),
    [
        ("", Wish()),
        ("?", Wish()),
        ("?from=start", Wish()),
        ("?from=live", Wish(live=True)),
        ("?after=0", Wish(after=0)),
        ("?after=17", Wish(after=17)),
        ("?from=live&after=17", Wish(after=17, live=True)),
        ("?types=log", Wish(only=Interest(types=frozenset({"log"})))),
        ("?types=log,error", Wish(only=Interest(types=frozenset({"log", "error"})))),
        ("?types=log%2Cerror", Wish(only=Interest(types=frozenset({"log", "error"})))),
        ("?types=log,%20error", Wish(only=Interest(types=frozenset({"log", "error"})))),
        ("?case=case-1", Wish(only=Interest(case="case-1"))),
        ("?%63ase=case%2D1", Wish(only=Interest(case="case-1"))),
        ("?token=secret&&from=live", Wish(live=True)),
    ],
)
def test_what_a_watcher_wants_stands_in_the_address(query: str, wish: Wish) -> None:
    assert wish_of(head(query), over_http=False) == wish


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?form=live", "no parameter 'form' (did you mean 'from'?)"),
        ("?x=1", "no parameter 'x' (known: from, after, types, case, token)"),
        ("?format=ndjson", "no parameter 'format' (did you mean 'from'?)"),
        ("?from=now", "from is start | live, not 'now'"),
        ("?from", "from is start | live, not ''"),
        ("?after=", "after takes the seq of an event, a whole number, not ''"),
        ("?after=-1", "not '-1'"),
        ("?after=1.5", "not '1.5'"),
        ("?after=+1", "not '+1'"),
        ("?after=%D9%A1", "not '١'"),
        ("?after=9007199254740992", "not '9007199254740992'"),
        ("?after=" + "9" * 5000, "not '9999"),
        ("?types=", "no event type ''"),
        ("?types=log,", "no event type ''"),
        ("?types=logs", "no event type 'logs' (did you mean 'log'?)"),
        ("?types=hello", "no event type 'hello'"),
        ("?case=", "case takes the test_case_id"),
        ("?after=1&after=2", "'after' is given twice"),
        ("?token=a&token=a", "'token' is given twice"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(query: str, said: str) -> None:
    with pytest.raises(BadRequest) as bad:
        wish_of(head(query), over_http=False)
    assert said in str(bad.value)
    assert len(str(bad.value)) < 300


def test_a_value_that_is_refused_may_be_the_token_and_is_not_repeated() -> None:
    with pytest.raises(BadRequest) as bad:
        wish_of(head("?token=secret&token=secret"), over_http=False)
    assert "secret" not in str(bad.value)


@pytest.mark.parametrize(
    ("query", "ndjson"),
    [("", False), ("?format=sse", False), ("?format=ndjson", True), ("?format=ndjson&after=1", True)],
)
def test_over_http_lines_can_be_asked_for(query: str, ndjson: bool) -> None:
    assert wish_of(head(query), over_http=True).ndjson is ndjson


def test_a_format_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadRequest, match="not 'xml'"):
        wish_of(head("?format=xml"), over_http=True)


@pytest.mark.parametrize(
    ("query", "sent", "wish"),
    [
        ("", "17", Wish(after=17, by_itself=True)),
        ("?after=3", "17", Wish(after=17, by_itself=True)),
        ("?from=live", "17", Wish(after=17, by_itself=True, live=True)),
        ("?after=3", "", Wish(after=3)),
    ],
)
def test_over_http_a_browser_goes_on_where_it_was_whatever_the_address_says(query: str, sent: str, wish: Wish) -> None:
    assert wish_of(head(query, ("last-event-id", sent)), over_http=True) == wish


def test_an_event_id_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(BadRequest, match="Last-Event-ID takes the seq"):
        wish_of(head("", ("last-event-id", "abc")), over_http=True)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_any_names_and_values_come_out_as_they_went_in(pairs: list[tuple[str, str]]) -> None:
    from urllib.parse import quote

    pairs = [pair for pair in pairs if pair[0] and all(text.isprintable() for text in pair)]
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    assert list(parameters(head(f"?{query}"))) == pairs


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=200))
def test_any_query_is_a_wish_or_a_sentence(query: str) -> None:
    with suppress(BadRequest):
        assert isinstance(wish_of(head(f"?{query}"), over_http=True), Wish)
