"""Whatever a platform's API answers, asking it says something or raises what the engine knows: never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ShopbellError
from engine.http import Answered
from engine.integration import Asker, BuyerLooker, Call, Looker, OrderLooker, Subscriber, create, known
from tests.unit.integrations.bending import ODD
from tests.unit.integrations.cases import settings_of, speaking

KEYS = {
    "shopify": {"client_id": "app-7"},
    "lightspeed": {"api_key": "key", "api_secret": "hush"},
    "woocommerce": {"site": "https://shop.example", "consumer_key": "ck", "consumer_secret": "cs"},
}
"""What it takes for an API to be asked at all."""
NAMES = st.sampled_from(
    """id name email total items order orders quote quotes customer customers carts data nodes pageInfo hasNextPage
    endCursor updatedAt updateTimestamp createdAt cartId webhooks webhookSubscriptions topic address delivery_url status
    access_token expires_in extensions cost throttleStatus currentlyAvailable restoreRate errors code accountRatelimit
    limitDay remaining reset abandonedCheckouts product products variants quoteProducts subscriptions offset""".split()
)
JSON = st.recursive(
    st.sampled_from([*ODD, "2026-11-22T10:00:00Z", "\u0000", 10**40]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=14,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.sampled_from(
    [b"", b"\xff", b"[" * 5_000, b"[" + b"[" * 3_000 + b"]" * 3_000 + b"]", b'{"a":' * 3_000 + b"1" + b"}" * 3_000]
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "date", "link"]),
    st.sampled_from(["", "1", "-1", "x", "1/2/3", "9" * 30, "1e9", "\u0663", "Sat, 22 Nov 2026 10:00:00 GMT"]),
    max_size=3,
)
ANSWERS = st.builds(Answered, st.sampled_from([200, 200, 200, 201, 204, 301, 401, 404, 429, 500]), BODIES, HEADERS)
WHATS = (
    "order:7",
    "cart:AAAABBBB",
    "customer:7",
    "quote:7:8",
    "variant:7",
    "product:7",
    "gone:7",
    "removal:7",
    "access",
)


def asking(name: str) -> Asker[Any]:
    more = KEYS.get(name, {})
    secrets = {option.name for option in known()[name].options if option.secret}
    stated = {key: f"env:{key}" if key in secrets else value for key, value in more.items()}
    made = create(name, settings_of(name) | stated, more)
    assert isinstance(made, Asker)
    return made


def questions(asker: Asker[Any], call: Call) -> list[Callable[[], object]]:
    """Everything that it can be asked."""
    name = type(asker).__module__.split(".")[1]
    refs = (f"{name}:cart:AAAABBBBCCCCDDDD", f"{name}:order:7")
    asked: list[Callable[[], object]] = [partial(asker.ask, what, "", call) for what in (*asker.polls, *WHATS)]
    if isinstance(asker, Looker):
        asked.append(partial(asker.look, refs, call))
    if isinstance(asker, BuyerLooker):
        asked.append(partial(asker.look_for, "anna@shopper.example", 0, call))
    if isinstance(asker, OrderLooker):
        asked.append(partial(asker.look_at_order, refs, call))
    if isinstance(asker, Subscriber):
        asked.append(partial(asker.standing, call))
    return asked


@pytest.mark.parametrize("name", speaking("poll"))
@given(data=st.data())
def test_an_answer_is_understood_or_refused(name: str, data: st.DataObject) -> None:
    def call(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        if url.endswith("access_token"):
            return Answered(200, b'{"access_token": "t", "expires_in": 86399}')
        return data.draw(ANSWERS)

    told = _refusal(data.draw(st.sampled_from(questions(asking(name), call))))
    assert "anna@" not in told
    assert "AAAABBBB" not in told


def _refusal(ask: Callable[[], object]) -> str:
    """What is written down of it: never whom it was about. "" where it was understood."""
    try:
        ask()
    except ShopbellError as error:
        return error.message
    return ""
