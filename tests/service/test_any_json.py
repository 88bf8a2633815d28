"""Any JSON at all at the events door: it is answered, never with a 5xx, and what is taken breaks nothing inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.events import CANONICAL_TYPES
from engine.store.unit import VISITORS
from tests.service.doors import INK_KEY, INK_SECRET, Door, Json, answer_of, open_door

Values = st.SearchStrategy[object]


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    with open_door(tmp_path, sqlite_url) as opened:
        yield opened


# --- nonsense ---------------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_ANY_SECTION = ("page", "cart", "order", "shipping", "product", "consent", "agents")
_TYPES = st.sampled_from(
    ["page_viewed", "cart_updated", "order_placed", "shipping_shown", "checked_in", "contact_given", "agents_changed",
     "consent_changed", "product_viewed", "message_shown", "Order Completed", "add_to_cart", "checkout_completed",
     "track", "page", "identify"]
)  # fmt: skip
_FIELDS = ("at", "seq", "session", "tab", "engaged_ms", "email", "customer_id", "name", "language",
           "country", "step", "message", "properties", "context", "data", "event", "event_params", "items")  # fmt: skip
_ANY_LINES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("sku", "product_id", "quantity", "price", "name", "id", "url"), _JSON)
)
_BODIES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("id", "url", "currency", "total", "price", "online", "email", "cart_id", "type"), _JSON)
    | {"lines": st.lists(_ANY_LINES, max_size=3) | _JSON},
)
_EVENT = st.fixed_dictionaries(
    {"id": st.uuids().map(str) | _JSON, "type": _TYPES | _JSON},
    optional=dict.fromkeys(_FIELDS, _JSON) | dict.fromkeys(_ANY_SECTION, _BODIES | _JSON),
)
_BATCH = st.fixed_dictionaries(
    {
        "key": st.just(INK_KEY) | _JSON,
        "visitor": st.just("v1") | _JSON,
        "events": st.lists(_EVENT | _JSON, max_size=4) | _JSON,
    },
    optional={"sent_at": _JSON | st.datetimes().map(str), "session": _JSON, "tab": _JSON},
)


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


@given(whole=_BATCH, trusted=st.booleans())
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_json_whatever_brings_the_house_down(door: Door, whole: Json, trusted: bool) -> None:
    body = json.dumps(whole).encode("utf-8", "surrogatepass")
    response = door.knock(body, **({"Authorization": f"Bearer {INK_SECRET}"} if trusted else {}))
    assert response.status_code in (202, 400, 401)
    if response.status_code == 202:
        answer = answer_of(response)
        told = len(msgspec.convert(answer["rejected"], list[Json]))
        assert int(str(answer["accepted"])) + int(str(answer["duplicates"])) + told == len(_list(whole["events"]))


@given(body=st.binary(max_size=300))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_bytes_whatever_bring_the_house_down(door: Door, body: bytes) -> None:
    assert door.knock(body).status_code in (400, 401)


# --- what could be meant ----------------------------------------------------------------------------------------------

_OWN: Values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_TEXT: Values = st.sampled_from(["", "INK-1", "x" * 400, "<script>", "🛒 ünïcode", "{{ 7 }}", "'; --"]) | _OWN
_ID: Values = _TEXT | st.integers()
_MONEY: Values = st.sampled_from(
    [0, 1, -1, 24.95, "24.95", "-0.01", "1e3", 10**15, 10**18, "9" * 30, 1e300, 0.001, "abc", ""]
)
_CURRENCY: Values = st.sampled_from(["EUR", "JPY", "KWD", "eur", "XXX", "euro", ""])
_COUNT: Values = st.sampled_from([0, 1, 3, 1_000_000, 10**12, -1, 2.5])
_URL: Values = st.sampled_from(
    [
        "https://ink.example/help/ink",
        "https://ink.example/",
        "/help/x",
        "javascript:alert(1)",
        "http://[",
        "//",
        "x" * 3_000,
    ]
)
_TIME: Values = st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.sampled_from(["2026-11-21T10:00:00+14:00", ""])
_FLAG: Values = st.booleans() | st.none()


def _object(**fields: Values) -> Values:
    return st.fixed_dictionaries({}, optional=fields)


_LINES: Values = st.lists(
    _object(sku=_ID, product_id=_ID, name=_TEXT, quantity=_COUNT, price=_MONEY, url=_URL, category=_TEXT), max_size=3
)
_SECTIONS: dict[str, Values] = {
    "page": _object(
        url=_URL, title=_TEXT, type=st.sampled_from(["product", "odd", None]), referrer=_URL, language=_TEXT
    ),
    "cart": _object(id=_ID, currency=_CURRENCY, total=_MONEY, coupon=_TEXT, shipping_estimate=_MONEY, lines=_LINES),
    "order": _object(id=_ID, cart_id=_ID, currency=_CURRENCY, total=_MONEY, email=_TEXT, customer_id=_ID, lines=_LINES),
    "shipping": _object(price=_MONEY, currency=_CURRENCY, method=_TEXT, tax=_MONEY, tax_included=_FLAG, estimate=_FLAG),
    "product": _object(id=_ID, sku=_ID, name=_TEXT, price=_MONEY, currency=_CURRENCY, stock=_COUNT),
    "consent": _object(analytics=_FLAG, marketing=_FLAG, email=_FLAG, text=_TEXT, source=_TEXT),
    "agents": _object(online=_COUNT, free=_COUNT, department=_TEXT),
    "properties": _object(sku=_ID, price=_MONEY, total=_MONEY, products=_LINES, order_id=_ID, email=_TEXT),
    "items": st.lists(_object(item_id=_ID, item_name=_TEXT, price=_MONEY, quantity=_COUNT), max_size=3),
    "at": _TIME,
    "engaged_ms": _COUNT,
    "email": _TEXT | st.just("anna@shopper.example"),
    "customer_id": _ID,
    "name": _TEXT,
    "language": _TEXT,
    "country": _TEXT,
    "step": _ID,
    "message": _TEXT,
    "seq": st.integers(),
    "shipping_tier": _TEXT,
    "value": _MONEY,
}
_FOREIGN = (
    "Order Completed",
    "Product Viewed",
    "add_to_cart",
    "purchase",
    "checkout_completed",
    "track",
    "page",
    "identify",
)


@st.composite
def _meant(draw: st.DrawFn) -> Json:
    """An event that somebody could have meant, with a few sections that may or may not fit it."""
    kind = draw(st.sampled_from([*sorted(CANONICAL_TYPES), *_FOREIGN, "quiz_completed"]))
    event: Json = {"id": str(draw(st.uuids())), "type": kind}
    if kind in ("track", "page", "identify"):
        event["event"] = draw(st.sampled_from(["Order Completed", "Product Added", "Quiz Done", ""]))
    own = [name for name in _SECTIONS if name in kind or name in ("cart", "page")]
    for name in {
        *draw(st.lists(st.sampled_from(own), max_size=2)),
        *draw(st.lists(st.sampled_from(list(_SECTIONS)), max_size=2)),
    }:
        event[name] = draw(_SECTIONS[name])
    return event


@given(events=st.lists(_meant(), min_size=1, max_size=6), trusted=st.booleans())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_is_taken_is_in_the_contract_and_breaks_no_visitor(door: Door, events: list[Json], trusted: bool) -> None:
    told = [event | {"visitor": "v1"} for event in events] if trusted else events
    response = door.report(*told) if trusted else door.send(*told)
    answer = answer_of(response)
    rejected = {problem["index"] for problem in msgspec.convert(answer["rejected"], list[Json])}
    assert int(str(answer["accepted"])) + int(str(answer["duplicates"])) + len(rejected) == len(events)
    for index, event in enumerate(json.loads(json.dumps(told))):
        if index not in rejected:
            assert door.contract.takes("ServerBatch", {"events": [event]}), event
    assert [row.fault for row in door.rows(VISITORS) if row.fault] == []
    assert door.send(visitor="v1").status_code == 202
