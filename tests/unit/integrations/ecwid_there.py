"""What stands in an Ecwid store, and its API as a :data:`~engine.integration.Call`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import msgspec

from engine.http import Answered
from engine.integration import Json, News, Page, create, json_object
from integrations.ecwid import Ecwid
from integrations.ecwid.asking import Questions
from tests.unit.integrations.cases import settings_of

CART = "6626E60A-A6F9-4CD5-8230-43D5F162E0CD"
NOW = 1_795_262_400
ROOT = "https://app.ecwid.com/api/v3/1003"
PERSON: Json = {"name": "Sanne de Vries", "countryCode": "NL"}
ITEM: Json = {
    "productId": 37208342,
    "price": 14.95,
    "sku": "INKT-1",
    "quantity": 2,
    "name": "Inkt",
    "imageUrl": "https://voorbeeld.example/inkt.jpg",
    "selectedOptions": [{"name": "Kleur", "value": "Blauw", "type": "CHOICE"}],
}
SHARED: Json = {
    "email": "sanne@example.nl",
    "customerId": 5001,
    "createTimestamp": NOW - 900,
    "updateTimestamp": NOW - 600,
    "subtotal": 29.9,
    "total": 34.86,
    "tax": 6.05,
    "couponDiscount": 1.99,
    "discount": 0,
    "discountCoupon": {"code": "HERFST"},
    "pricesIncludeTax": True,
    "items": [ITEM],
    "shippingPerson": PERSON,
    "shippingOption": {"shippingMethodName": "PostNL", "shippingRate": 6.95, "estimatedTransitTime": "2-4 dagen"},
    "acceptMarketing": True,
    "lang": "nl",
    "extraFields": {"shopbell_visitor": "0b9f6a1e-1f2b-4c3d-8e5f-123456789abc"},
}


_encode = msgspec.json.Encoder(decimal_format="number").encode


def as_read(told: Json) -> Json:
    """As it comes out of an answer: numbers with a fraction as they were written."""
    return json_object(_encode(told))


def cart(**changes: object) -> Json:
    return as_read({**SHARED, "cartId": CART, "hidden": False} | changes)


def order(**changes: object) -> Json:
    own: Json = {"id": "XJ12H", "internalId": 492512057, "paymentStatus": "PAID", "fulfillmentStatus": "PROCESSING"}
    return as_read({**SHARED, **own} | changes)


class Store:
    """The far side of the line: what stands at each address, and what was asked of it."""

    def __init__(self, **there: Json) -> None:
        self.there: dict[str, Json] = {name.replace("__", "/"): told for name, told in there.items()}
        self.answer: Answered | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        assert (method, headers["Authorization"], body) == ("GET", "Bearer secret_of-this-very-store", b"")
        assert url.startswith(f"{ROOT}/"), url
        parts = urlsplit(url.removeprefix(f"{ROOT}/"))
        assert "secret" not in url
        self.asked.append((parts.path, dict(parse_qsl(parts.query))))
        told = self.there.get(parts.path)
        if self.answer is not None:
            return self.answer
        return Answered(404, b"{}") if told is None else Answered(200, _encode(told))


def page(*items: Json, total: int | None = None, offset: int = 0) -> Json:
    return {"total": len(items) if total is None else total, "count": len(items), "offset": offset, "items": items}


def store_of(**settings: str) -> Ecwid:
    made = create("ecwid", settings_of("ecwid") | settings, {})
    assert isinstance(made, Ecwid)
    return made


def questions(now_s: int = NOW, wait_ms: int = 300_000) -> Questions:
    return Questions(store_of()._questions.api, wait_ms, lambda: now_s)


def kinds(news: News) -> list[object]:
    return [event["type"] for event in news.events]


def news_of(asked: Page) -> News:
    """What the things on it say, each read by itself."""
    assert asked.news == News()
    events = [event for delivery in asked.deliveries for event in store_of().read(delivery).events]
    return News(events=tuple(events))


def only(news: News, kind: str) -> Json:
    [event] = [event for event in news.events if event["type"] == kind]
    return event
