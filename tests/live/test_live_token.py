from __future__ import annotations

import re

import pytest

from sisyphus.live import token


def test_each_token_that_is_made_is_another_and_can_be_sent_anywhere_as_it_is() -> None:
    made = {token.make() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", each) for each in made)


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("secret", True),
        ("a+b/c==", True),
        ("", False),
        ("two words", False),
        ("秘密", False),
        ("a\nb", False),
        ("a\x7f", False),
    ],
)
def test_a_token_is_what_a_header_can_hold(text: str, usable: bool) -> None:
    assert token.is_usable(text) is usable
