"""How large a visitor's row is: every list is bounded, and somebody who looked around and left takes little."""

from __future__ import annotations

import msgspec

from engine.clock import DAY, MINUTE, SECOND
from engine.visitors import Visitor
from tests.unit.rules.shoppers import Shopper

AD = "https://shop.example/inkt/zwart?utm_source=google&utm_medium=cpc&gclid=Cj0KCQ"
PRODUCT = {"sku": "INK-1", "id": "4711", "price": "14.95", "stock": 12}


def size(visitor: Visitor) -> int:
    return len(msgspec.msgpack.encode(visitor))


def idle_visitor() -> Visitor:
    """Came from an advertisement, looked at four pages and a product, searched once, and left."""
    tab = "5f0c8a52-6a3e-4f0e-9d4e-0a6f6d1f3b11"
    shopper = Shopper()
    for number, kind in enumerate(("product", "category", "product", "knowledge_base")):
        url = AD if not number else f"https://shop.example/{kind}/{number}"
        page = {"url": url, "referrer": "https://www.google.nl/"}
        shopper.later(20 * SECOND).tells(
            "page_viewed", tab=tab, page=page, page_type=kind, device="mobile", language="nl"
        )
        shopper.later(5 * SECOND).tells("scrolled", tab=tab, depth=50, page={"url": url})
        shopper.later(15 * SECOND).tells("checked_in", tab=tab, engaged_ms=15_000, page={"url": url})
        if not number:
            shopper.tells("product_viewed", tab=tab, product=PRODUCT, page={"url": url})
        shopper.tells("page_hidden", tab=tab, engaged_ms=18_000, page={"url": url})
    shopper.tells("searched", tab=tab, results=3)
    return shopper.visitor


def test_an_idle_visitor_takes_little() -> None:
    assert size(idle_visitor()) <= 700


def test_the_busiest_visitor_is_bounded() -> None:
    shopper = Shopper("happened: {event: product_viewed, distinct: product.sku, at_least: 3}")
    for day in range(60):
        shopper.later(DAY)
        for number in range(20):
            url = f"https://shop.example/{'x' * 400}/{day}/{number}"
            shopper.later(MINUTE).tells("page_viewed", page={"url": url}, page_type=f"type_{number}", tab=f"t{number}")
            shopper.tells("product_viewed", product={"sku": f"{day}-{number}" + "x" * 300, "price": "5", "stock": 0})
            shopper.tells("order_placed", order={"id": f"{day}-{number}", "total": "5"})
            shopper.tells("message_dismissed", message=f"{day}-{number}")
            shopper.tells(f"own_{day}_{number}", attributes={f"a{number}": "x" * 500}, tags=[f"tag-{day}-{number}"])
    assert size(shopper.visitor) < 40_000
