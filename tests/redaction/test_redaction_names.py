from __future__ import annotations

import pytest

from sisyphus.redaction.names import SensitiveNames, is_sensitive


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "user_password", "userPassword", "passwd", "pwd", "token", "accessToken", "access_token",
        "X-Auth-Token", "refresh-token", "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "api_key", "apiKey",
        "X-API-Key", "APIKey", "apikey", "client_secret", "clientSecret", "privateKey", "sessionId", "credentials", "jwt",
        "JWT", "DB_PASSWORD", "用户密码", "访问令牌", "token2",
    ],
)  # fmt: skip
def test_names_of_secrets_are_known_in_every_spelling(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    [
        "author", "keyboard", "tokenizer", "secretary", "key", "id", "name", "max_tokens", "token_type", "tokens_used",
        "token_count", "password_policy", "cookie_name", "monkey", "passage", "username", "access", "has_password",
        "tokenUrl", "authenticated", "", "x" * 500,
    ],
)  # fmt: skip
def test_names_that_only_look_like_secrets_stay(name: str) -> None:
    assert not is_sensitive(name)


def test_fields_of_the_case_count_whatever_their_case_and_may_hold_stars() -> None:
    names = SensitiveNames(["idCard", "$.user.phone", "x-internal-*"])
    assert "IDCARD" in names
    assert "phone" in names
    assert "X-Internal-Trace" in names
    assert "user" not in names
    assert 5 not in names
