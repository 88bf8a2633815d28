"""What the snippet on the shop's pages tells: batches of events for ``POST /v1/events``."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

import msgspec

from engine.clock import to_iso
from simulator.goods import CURRENCY, SOLD_OUT, Line, major
from simulator.life import Happening, Kind
from simulator.platform import Platform
from simulator.world import Checkout, World

DEMO_KEY = "pk_demo"
"""The public key that a Shopbell in development has for its first shop."""
_CONSENT = {"nl": "Mail mij over mijn bestelling", "en": "Mail me about my order"}
_OF_THE_PAGE = frozenset([Kind.SIGNED_UP])
"""What any shop's own page tells with the snippet."""
Json = dict[str, object]


def batch(happening: Happening, platform: Platform, world: World) -> bytes | None:
    """The body that the shopper's browser sends because of it; None where it is not watched or has nothing to tell."""
    shopper = happening.shopper
    if not shopper.visitor or happening.kind not in platform.browser_tells | _OF_THE_PAGE:
        return None
    events = [_whole(happening, event) for event in _told(happening, platform, world)]
    session = str(uuid5(NAMESPACE_URL, f"{shopper.visitor}/session"))
    whose = {"key": DEMO_KEY, "visitor": shopper.visitor, "session": session, "tab": "t1"}
    return msgspec.json.encode(whose | {"events": events})


def _told(happening: Happening, platform: Platform, world: World) -> list[Json]:
    order = world.order(happening.shopper)
    if happening.kind is Kind.ORDERED and order is not None:
        return [{"type": "order_placed", **platform.thanks_in_browser(order)}]
    return _events(happening, platform, world.checkout(happening.shopper))


def _whole(happening: Happening, event: Json) -> Json:
    shopper = happening.shopper
    name = str(uuid5(NAMESPACE_URL, f"{shopper.visitor}/{happening.at}/{event['type']}"))
    said = {"id": name, "at": to_iso(happening.at), "language": shopper.language, "device": shopper.device}
    return said | event


def _events(happening: Happening, platform: Platform, checkout: Checkout | None) -> list[Json]:
    shopper, first = happening.shopper, happening.lines[0].product
    if happening.kind is Kind.LOOKED:
        url = f"https://vloei.example/products/{first.sku.lower()}"
        page = {"url": url, "title": first.name(shopper.language), "type": "product", "language": shopper.language}
        sold_out: list[Json] = (
            [{"type": "product_viewed", "product": _good(happening, stock=0)}] if first is SOLD_OUT else []
        )
        return [{"type": "page_viewed", "page": page}, *sold_out]
    if happening.kind in (Kind.CONTACT_LEFT, Kind.SIGNED_UP):
        return [{"type": "contact_given", "email": shopper.email, "name": shopper.name} | _consent(happening)]
    if checkout is None:
        return []
    about = cart_of(checkout, shopper.language, platform.cart_in_browser(checkout))
    if happening.kind is Kind.SHIPPING_CHOSEN:
        shipping = {
            "price": major(checkout.shipping_price),
            "currency": CURRENCY,
            "method": happening.shipping.name(shopper.language),
            "tax_included": True,
            "estimate": False,
        }
        return [{"type": "shipping_shown", "shipping": shipping} | about]
    kind = "checkout_started" if happening.kind is Kind.CHECKOUT_BEGAN else "cart_updated"
    return [{"type": kind} | about]


def _good(happening: Happening, stock: int) -> Json:
    product = happening.lines[0].product
    told = {"id": str(product.number), "sku": product.sku, "name": product.name(happening.shopper.language)}
    return told | {"price": major(product.price), "currency": CURRENCY, "stock": stock}


def _consent(happening: Happening) -> Json:
    shopper = happening.shopper
    if not shopper.consents:
        return {}
    return {"consent": {"email": True, "text": _CONSENT[shopper.language], "source": "checkout"}}


def cart_of(checkout: Checkout, language: str, named: Mapping[str, object]) -> Json:
    """The cart as the snippet tells it; ``named`` as :meth:`Platform.cart_in_browser` has it."""
    lines = [_line(line, language) for line in checkout.lines]
    cart = {"id": named["id"], "currency": CURRENCY, "total": major(checkout.subtotal), "lines": lines}
    return {"cart": cart} | ({"refs": named["refs"]} if "refs" in named else {})


def _line(line: Line, language: str) -> Json:
    product = line.product
    return {
        "id": str(product.number),
        "product_id": str(product.number),
        "sku": product.sku,
        "name": product.name(language),
        "quantity": line.quantity,
        "price": major(product.price),
    }
