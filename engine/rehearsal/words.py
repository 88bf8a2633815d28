"""What may stand under ``given`` in a rule test: every event by its name, and short words for what is usual."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import msgspec

from engine.errors import InvalidEvent
from engine.events import (
    CANONICAL_TYPES,
    Agents,
    Cart,
    Consent,
    Event,
    Line,
    Order,
    Page,
    Product,
    Shipping,
    parse_event,
)
from engine.rules.fields import EventName, Fault, Reading, text_of
from engine.rules.source import Mapping, Node, Scalar, Sequence
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import frame, joined, say

Raw = dict[str, object]
Effect = Literal["event", "leaves", "idle", "dismisses", "accepts", "unsubscribes"]

ADDRESS = "shopper@example.com"
CART = "cart-1"
SITE = "https://shop.example"


@dataclass(frozen=True)
class Happening:
    """One thing that happens. ``raw`` is the event's body as it would come over the wire, every value as text."""

    raw: Raw
    effect: Effect = "event"
    trusted: bool = False
    """Whether the shop's server says it."""
    device: str = ""
    """On which of the shopper's devices; "" is the one they always use."""


_SECTIONS: dict[str, tuple[str, type[msgspec.Struct]]] = {
    "page_viewed": ("page", Page),
    "product_viewed": ("product", Product),
    "cart_updated": ("cart", Cart),
    "shipping_shown": ("shipping", Shipping),
    "order_placed": ("order", Order),
    "consent_changed": ("consent", Consent),
    "agents_changed": ("agents", Agents),
}
"""Where the settings of an event belong when they are written directly under its name."""
_MAIN = {
    **dict.fromkeys(("checkout_step_viewed", "checkout_step_completed"), "step"),
    **dict.fromkeys(("message_shown", "message_accepted", "message_dismissed"), "message"),
    **dict.fromkeys(("contact_given", "identified"), "email"),
}
"""What an event's value is when it is one word."""
_TOP = (frozenset(Event.__struct_fields__) | {"tab"}) - {"id", "type", "at", "seq", "visitor", "session", "trusted"}
_MORE: dict[str, frozenset[str]] = {
    "cart": frozenset(["subtotal"]),
    "shipping": frozenset(["tax", "tax_included"]),
    "line": frozenset(["id"]),
}
_NESTED: dict[str, type[msgspec.Struct]] = {
    "page": Page, "product": Product, "cart": Cart, "shipping": Shipping, "order": Order, "consent": Consent,
    "agents": Agents, "lines": Line,
}  # fmt: skip


def read(word: Scalar, value: Node, reading: Reading) -> Happening:
    """One happening. Raises Fault."""
    short = SHORT.get(word.text)
    if short is not None:
        found = short(value, reading)
    elif word.text in CANONICAL_TYPES or re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", word.text):
        found = _event(EventName().read(word, reading), value, reading)
    else:
        near = did_you_mean(word.text, [*SHORT, *CANONICAL_TYPES])
        raise Fault(word, say("unknown event '%(text)s'%(hint)s", text=shorten(word.text), hint=near))
    _try(found, word if isinstance(value, Scalar) else value, reading)
    return found


def _try(happening: Happening, node: Node, reading: Reading) -> None:
    """Refuse what a door would refuse."""
    if happening.effect != "event":
        return
    raw = {"id": "a-rehearsal", **happening.raw}
    try:
        parse_event(raw, received_at=0, skew_ms=0, currency=reading.currency, trusted=True, strict=False)
    except InvalidEvent as error:
        said = frame("%(message)s", message=error.message)
        raise Fault(node, joined(": ", (error.field, said)) if error.field else said) from None


# --- events by their own names ----------------------------------------------------------------------------------------


def _event(kind: str, value: Node, reading: Reading) -> Happening:
    section = _SECTIONS.get(kind)
    raw: Raw = {"type": kind}
    if isinstance(value, Mapping):
        for key, node in value.pairs:
            _place(raw, section, key, node)
    elif not (isinstance(value, Scalar) and value.empty):
        raw.update(_single(kind, value, reading))
    return Happening(_complete(raw), trusted=kind == "agents_changed")


def _place(raw: Raw, section: tuple[str, type[msgspec.Struct]] | None, key: Scalar, node: Node) -> None:
    if section is not None and key.text in _fields(section[0], section[1]):
        own = raw.setdefault(section[0], {})
        assert isinstance(own, dict)
        own[key.text] = _plain(node, key.text)
    elif section is not None and key.text not in _TOP:
        near = did_you_mean(key.text, _fields(section[0], section[1]))
        raise Fault(key, say("'%(text)s' is not known here%(hint)s", text=shorten(key.text), hint=near))
    else:
        raw[key.text] = _plain(node, key.text) if key.text in _NESTED else _as_json(node)


def _fields(name: str, struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_fields__) | _MORE.get(name, frozenset())


def _single(kind: str, value: Node, reading: Reading) -> Raw:
    """The event whose value is one word."""
    if not isinstance(value, Scalar):
        raise Fault(value, say("%(kind)s takes settings here, not a list", kind=kind))
    if kind in _BY_VALUE:
        return _BY_VALUE[kind](value, reading).raw
    if kind not in _MAIN:
        raise Fault(value, say("%(kind)s takes settings here, such as {country: NL}; or write it alone", kind=kind))
    return {_MAIN[kind]: value.text}


def _plain(node: Node, name: str) -> object:
    """The node as JSON, every scalar as text; the event's own types say later what it means."""
    if isinstance(node, Sequence):
        return [_plain(item, name) for item in node.items]
    if isinstance(node, Mapping):
        struct = _NESTED.get(name)
        if struct is not None:
            known = _fields("line" if name == "lines" else name, struct)
            for key, _ in node.pairs:
                if key.text not in known:
                    raise Fault(
                        key,
                        say(
                            "'%(text)s' is not known here%(hint)s",
                            text=shorten(key.text),
                            hint=did_you_mean(key.text, known),
                        ),
                    )
        return {key.text: _plain(value, key.text) for key, value in node.pairs}
    return node.text if not node.empty else None


def _as_json(node: Node) -> object:
    """The node as JSON for what no section has a type for: numbers, true and false are what they look like."""
    if isinstance(node, Sequence):
        return [_as_json(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key.text: _as_json(value) for key, value in node.pairs}
    if node.empty or node.quoted:
        return None if node.empty else node.text
    if node.text in ("true", "false"):
        return node.text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", node.text):
        return int(node.text)
    return Decimal(node.text) if re.fullmatch(r"-?\d{1,15}\.\d{1,6}", node.text) else node.text


def _complete(raw: Raw) -> Raw:
    """What a real page would have said besides."""
    if raw["type"] == "page_viewed" or "page" in raw:
        page = raw.setdefault("page", {})
        assert isinstance(page, dict)
        page["url"] = _url(page)
    cart = raw.get("cart")
    if isinstance(cart, dict):
        cart.setdefault("id", CART)
        if "lines" not in cart and cart.get("total") is not None:
            cart["lines"] = [{"sku": "item-1", "name": "An item", "price": cart["total"]}]
    if raw["type"] == "order_placed":
        order = raw.setdefault("order", {})
        assert isinstance(order, dict)
        order.setdefault("id", "order-1")
        order.setdefault("cart_id", CART)
    return raw


def _url(page: Raw) -> str:
    url = str(page.get("url") or f"/{page.get('type') or 'page'}")
    return url if url.startswith("http") else SITE + url


# --- short words ------------------------------------------------------------------------------------------------------


def opens(value: Node, reading: Reading) -> Happening:
    if isinstance(value, Mapping):
        return _event("page_viewed", value, reading)
    text = text_of(value, say("a page type such as faq, or an address such as /help/ink"))
    page: Raw = {"url": text} if text.startswith(("/", "http")) else {"type": text}
    return Happening(_complete({"type": "page_viewed", "page": page}))


def _cart(value: Node, reading: Reading) -> Happening:
    if isinstance(value, Mapping):
        return _event("cart_updated", value, reading)
    text = text_of(value, say("an amount such as 64.90, or empty"))
    cart: Raw = {"lines": []} if text == "empty" else {"total": text}
    return Happening(_complete({"type": "cart_updated", "cart": cart}))


def _shipping(value: Node, reading: Reading) -> Happening:
    if isinstance(value, Mapping):
        return _event("shipping_shown", value, reading)
    return Happening({"type": "shipping_shown", "shipping": {"price": text_of(value, say("an amount such as 6.95"))}})


def _orders(value: Node, reading: Reading) -> Happening:
    if isinstance(value, Mapping):
        return _event("order_placed", value, reading)
    total = (
        {} if isinstance(value, Scalar) and value.empty else {"total": text_of(value, say("an amount such as 64.90"))}
    )
    return Happening(_complete({"type": "order_placed", "order": total}))


AGENTS: dict[str, Raw] = {
    "online": {"online": 1},
    "free": {"online": 1, "free": 1},
    "busy": {"online": 1, "free": 0},
    "offline": {"online": 0, "free": 0},
}


def agents(value: Node, reading: Reading) -> Happening:
    """How many agents are there, in a word or in numbers."""
    if isinstance(value, Mapping):
        return _event("agents_changed", value, reading)
    text = text_of(value, say("online, free, busy or offline"))
    if text not in AGENTS:
        raise Fault(
            value, say("'%(text)s' is not known here%(hint)s", text=shorten(text), hint=did_you_mean(text, AGENTS))
        )
    return Happening({"type": "agents_changed", "agents": AGENTS[text]}, trusted=True)


def _address(*, trusted: bool) -> Callable[[Node, Reading], Happening]:
    consent = {"email": "true", "text": "Yes, mail me", "source": "checkout"}

    def read_address(value: Node, reading: Reading) -> Happening:
        email = ADDRESS if isinstance(value, Scalar) and value.empty else text_of(value, say("an address"))
        return Happening({"type": "contact_given", "email": email, "consent": consent}, trusted=trusted)

    return read_address


def _alone(effect: Effect, kind: str = "") -> Callable[[Node, Reading], Happening]:
    def read_alone(value: Node, reading: Reading) -> Happening:
        if not (isinstance(value, Scalar) and value.empty):
            raise Fault(value, say("this word stands alone"))
        return Happening({"type": kind} if kind else {}, effect)

    return read_alone


SHORT: dict[str, Callable[[Node, Reading], Happening]] = {
    "opens": opens,
    "leaves": _alone("leaves"),
    "idle": _alone("idle"),
    "cart": _cart,
    "checkout": _alone("event", "checkout_started"),
    "shipping": _shipping,
    "orders": _orders,
    "gives_address": _address(trusted=False),
    "may_be_mailed": _address(trusted=True),
    "unsubscribes": _alone("unsubscribes"),
    "dismisses": _alone("dismisses"),
    "accepts": _alone("accepts"),
    "agents": agents,
}
"""The short words; docs/tools.md says what each stands for."""

_BY_VALUE = {"page_viewed": opens, "cart_updated": _cart, "shipping_shown": _shipping, "order_placed": _orders}
