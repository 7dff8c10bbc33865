"""本项目的函数：每个公开函数都可以在 ${…} 中调用。 Functions of this project: each public one can be called in ${…}."""

from __future__ import annotations

import hmac


def sign(text: str, key: str = "shop") -> str:
    # 请求头 X-Sign 的值。 The value of the header X-Sign.
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


def total(orders: list[dict[str, float]]) -> float:
    # 订单的总金额。 What all orders cost together.
    return round(sum(order["amount"] for order in orders), 2)
