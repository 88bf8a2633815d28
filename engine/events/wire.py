"""From the wire to an :class:`Event`: types checked, money in minor units, ids as text."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from engine import money
from engine.clock import Millis, from_datetime
from engine.errors import InvalidEvent, MoneyError
from engine.events.extras import extras_in
from engine.events.model import (
    CANONICAL_TYPES,
    REQUIRED,
    Agents,
    Cart,
    Consent,
    Event,
    Line,
    Order,
    Page,
    Product,
    Shipping,
)
from engine.said import Said, frame, say

_TYPE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+\Z")
EventId = Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Address = Annotated[str, msgspec.Meta(max_length=320)]
Reference = Annotated[str, msgspec.Meta(min_length=3, max_length=200)]
AnyId = str | int
"""Platforms send 64-bit numbers or text; inside, an id is always text."""
Text = Annotated[object, msgspec.Meta(extra_json_schema={"type": ["string", "null"]})]
"""Shops have used these words for whole objects, too: what is no text is left out, and the event is taken."""


class _WireLine(msgspec.Struct):
    id: AnyId | None = None
    sku: AnyId | None = None
    product_id: AnyId | None = None
    name: str | None = None
    variant: AnyId | None = None
    quantity: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1
    price: Decimal | None = None
    url: str | None = None
    image_url: str | None = None
    category: str | None = None
    brand: str | None = None


class _WireCart(msgspec.Struct):
    id: AnyId | None = None
    currency: str | None = None
    total: Decimal | None = None
    subtotal: Decimal | None = None
    discount: Decimal | None = None
    tax: Decimal | None = None
    fees: Decimal | None = None
    shipping_estimate: Decimal | None = None
    free_shipping_from: Decimal | None = None
    coupon: str | None = None
    lines: list[_WireLine] = []


class _WireShipping(msgspec.Struct):
    price: Decimal
    currency: str | None = None
    method: str | None = None
    tax_included: bool = True
    tax: Decimal | None = None
    estimate: bool = False
    days: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None


class _WireOrder(msgspec.Struct):
    id: AnyId
    cart_id: AnyId | None = None
    currency: str | None = None
    total: Decimal | None = None
    shipping: Decimal | None = None
    tax: Decimal | None = None
    discount: Decimal | None = None
    coupon: str | None = None
    paid: bool | None = None
    pay_url: str | None = None
    email: Address | None = None
    customer_id: AnyId | None = None
    lines: list[_WireLine] = []


class _WireProduct(msgspec.Struct):
    id: AnyId | None = None
    sku: AnyId | None = None
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    stock: int | None = None
    variant: Text = None
    url: Text = None
    image_url: Text = None


class _WireEvent(msgspec.Struct):
    id: EventId
    type: Name
    at: datetime | None = None
    seq: int = 0
    visitor: Name | None = None
    session: Name | None = None
    tab: Name | None = None
    page: Page | None = None
    engaged_ms: Annotated[float, msgspec.Meta(ge=0, le=604_800_000)] | None = None
    product: _WireProduct | None = None
    cart: _WireCart | None = None
    shipping: _WireShipping | None = None
    order: _WireOrder | None = None
    consent: Consent | None = None
    agents: Agents | None = None
    email: Address | None = None
    customer_id: AnyId | None = None
    name: str | None = None
    language: str | None = None
    country: str | None = None
    step: AnyId | None = None
    message: Name | None = None
    action: Name | None = None
    refs: Annotated[list[Reference], msgspec.Meta(max_length=20)] = []


WIRE_EVENT: type[msgspec.Struct] = _WireEvent
"""The shape of one event as it comes in, for whoever describes the doors."""

_PROBLEM = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_EXPECTED = {
    "decimal": say("a number"), "float": say("a number"), "int": say("a whole number"), "str": say("text"),
    "bool": say("true or false"), "object": say("an object"), "array": say("a list"),
    "null": frame("%(word)s", word="null"),
    "datetime": say("a time such as 2026-11-21T10:00:00Z"),
}  # fmt: skip


def _look_up(raw: object, path: str) -> object:
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(raw, dict):
            raw = raw.get(part)
        elif isinstance(raw, list) and part.isdigit() and int(part) < len(raw):
            raw = raw[int(part)]
        else:
            return None
    return raw


def _explain(error: msgspec.ValidationError, raw: dict[str, object]) -> InvalidEvent:
    """msgspec's words as ours: ``cart.total`` and ``must be a number, got 'abc'``."""
    match = _PROBLEM.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    path = path.lstrip(".")
    missing = re.match(r"Object missing required field `(\w+)`", what)
    if missing:
        field = f"{path}.{missing[1]}".lstrip(".")
        return InvalidEvent(say("is missing"), code="missing_field", field=field)
    got = _shorten(_look_up(raw, path))
    kind = re.match(r"(?:Expected|Invalid) `?(decimal|float|int|str|bool|object|array|datetime|null|RFC3339)", what)
    bound = re.search(r"(>=|<=) ([\d.]+)", what)
    if bound:
        sentence = _bounded(bound[1], bound[2], in_characters="length" in what)
        return InvalidEvent(say("%(sentence)s, got %(got)s", sentence=sentence, got=got), field=path or None)
    if kind:
        plain = _EXPECTED["datetime" if kind[1] == "RFC3339" else kind[1]]
        return InvalidEvent(say("must be %(plain)s, got %(got)s", plain=plain, got=got), field=path or None)
    return InvalidEvent(what[0].lower() + what[1:], field=path or None)


def _bounded(sign: str, bound: str, *, in_characters: bool) -> Said:
    if sign == ">=":
        longer = say("must be at least %(bound)s characters long", bound=bound)
        return longer if in_characters else say("must be at least %(bound)s", bound=bound)
    shorter = say("must be at most %(bound)s characters long", bound=bound)
    return shorter if in_characters else say("must be at most %(bound)s", bound=bound)


def _shorten(value: object) -> str:
    if isinstance(value, dict | list):
        return say("an object") if isinstance(value, dict) else say("a list")
    # A fraction is a Decimal in here; nobody outside needs to know.
    text = "null" if value is None else str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…'"


def _text(value: AnyId | None) -> str:
    return "" if value is None else str(value)[:200]


def _minor(value: Decimal | None, currency: str, field: str) -> int | None:
    if value is None:
        return None
    try:
        return money.to_minor(value, currency)
    except MoneyError as error:
        raise InvalidEvent(error.message, field=field) from None


def _currency(value: str | None, default: str, field: str) -> str:
    if value is None:
        return default
    if len(value) == 3 and value.isascii() and value.isalpha():
        return value.upper()
    raise InvalidEvent(say("must be an ISO 4217 code such as EUR, got %(got)s", got=_shorten(value)), field=field)


def _lines(wire: list[_WireLine], currency: str, field: str) -> tuple[Line, ...]:
    return tuple(
        Line(
            sku=_text(line.sku),
            product_id=_text(line.product_id if line.product_id is not None else line.id),
            name=_text(line.name),
            variant=_text(line.variant),
            quantity=line.quantity,
            price=_minor(line.price, currency, f"{field}[{index}].price"),
            url=(line.url or "")[:2000],
            image_url=(line.image_url or "")[:2000],
            category=_text(line.category),
            brand=_text(line.brand),
        )
        for index, line in enumerate(wire)
        if line.quantity > 0
    )


def _sum(lines: tuple[Line, ...], field: str) -> int:
    total = sum(abs(line.price or 0) * line.quantity for line in lines)
    if total > money.LARGEST_MINOR:
        raise InvalidEvent(say("come to more than any cart"), field=field)
    return sum((line.price or 0) * line.quantity for line in lines)


def _cart(wire: _WireCart, default_currency: str) -> Cart:
    currency = _currency(wire.currency, default_currency, "cart.currency")
    lines = _lines(wire.lines, currency, "cart.lines")
    stated = wire.total if wire.total is not None else wire.subtotal
    summed = _sum(lines, "cart.lines")
    total = _minor(stated, currency, "cart.total")
    return Cart(
        id=_text(wire.id) or None,
        currency=currency,
        total=summed if total is None else total,
        discount=_minor(wire.discount, currency, "cart.discount"),
        tax=_minor(wire.tax, currency, "cart.tax"),
        fees=_minor(wire.fees, currency, "cart.fees"),
        shipping_estimate=_minor(wire.shipping_estimate, currency, "cart.shipping_estimate"),
        free_shipping_from=_minor(wire.free_shipping_from, currency, "cart.free_shipping_from"),
        coupon=wire.coupon or "",
        lines=lines,
    )


def _shipping(wire: _WireShipping, default_currency: str) -> Shipping:
    currency = _currency(wire.currency, default_currency, "shipping.currency")
    price = _minor(wire.price, currency, "shipping.price") or 0
    tax = 0 if wire.tax_included else _minor(wire.tax, currency, "shipping.tax") or 0
    method = wire.method or ""
    return Shipping(price=price + tax, currency=currency, method=method, estimate=wire.estimate, days=wire.days)


def _order(wire: _WireOrder, default_currency: str) -> Order:
    currency = _currency(wire.currency, default_currency, "order.currency")
    lines = _lines(wire.lines, currency, "order.lines")
    summed = _sum(lines, "order.lines")
    total = _minor(wire.total, currency, "order.total")
    return Order(
        id=_text(wire.id),
        cart_id=_text(wire.cart_id) or None,
        currency=currency,
        total=summed if total is None else total,
        shipping=_minor(wire.shipping, currency, "order.shipping"),
        tax=_minor(wire.tax, currency, "order.tax"),
        discount=_minor(wire.discount, currency, "order.discount"),
        coupon=(wire.coupon or "")[:60],
        paid=wire.paid,
        pay_url=wire.pay_url or "",
        email=wire.email,
        customer_id=_text(wire.customer_id) or None,
        lines=lines,
    )


def _product(wire: _WireProduct, default_currency: str) -> Product:
    currency = _currency(wire.currency, default_currency, "product.currency")
    return Product(
        id=_text(wire.id),
        sku=_text(wire.sku),
        name=_text(wire.name),
        category=_text(wire.category),
        brand=_text(wire.brand),
        price=_minor(wire.price, currency, "product.price"),
        currency=currency,
        stock=wire.stock,
        variant=_if_text(wire.variant, 200),
        url=_if_text(wire.url, 2000),
        image_url=_if_text(wire.image_url, 2000),
    )


def _if_text(value: object, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""


def parse_event(
    raw: object, *, received_at: Millis, skew_ms: Millis, currency: str, trusted: bool, strict: bool = True
) -> Event:
    """One decoded JSON object as an Event.

    ``skew_ms`` is what the sender's clock is behind ours and is added to ``at``; nothing happens later than
    ``received_at``. ``currency`` is the shop's, for amounts without one. ``strict`` is False where every value is text,
    as in a rule test. Raises InvalidEvent naming the field.
    """
    if not isinstance(raw, dict):
        raise InvalidEvent("an event must be an object", code="invalid_event")
    try:
        wire = msgspec.convert(raw, _WireEvent, strict=strict)
    except msgspec.ValidationError as error:
        raise _explain(error, raw) from None
    if wire.type not in CANONICAL_TYPES and not _TYPE_NAME.match(wire.type):
        raise InvalidEvent(say("must look like object_verbed, got %(got)s", got=_shorten(wire.type)), field="type")
    for section in REQUIRED.get(wire.type, ()):
        if getattr(wire, section) is None:
            raise InvalidEvent(say("is missing"), code="missing_field", field=section)
    at = received_at if wire.at is None else min(received_at, from_datetime(wire.at) + skew_ms)
    return _event(wire, raw, at, wire.visitor or "", currency, trusted)


class _Kept(_WireEvent):
    """A stored body. With any of these in it, it may have come under a foreign name."""

    data: msgspec.Raw | None = None
    context: msgspec.Raw | None = None
    shipping_estimate: msgspec.Raw | None = None


_kept_decoder = msgspec.json.Decoder(_Kept)
_fields_decoder = msgspec.json.Decoder(dict[str, object])


def parse_stored(body: str, kind: str, *, visitor: str, at: Millis, currency: str, trusted: bool) -> Event | None:
    """The event of which ``body`` was stored under the type ``kind``, read as fast as can be.

    None when it did not come in our own words; then it has to be translated again, see :mod:`engine.vocabulary`.
    """
    try:
        wire = _kept_decoder.decode(body)
        foreign = wire.data is not None or wire.context is not None or wire.shipping_estimate is not None
        if foreign or wire.type != kind:
            return None
        return _event(wire, _fields_decoder.decode(body), at, visitor, currency, trusted)
    except (msgspec.DecodeError, InvalidEvent):
        return None


def _event(wire: _WireEvent, raw: dict[str, object], at: Millis, visitor: str, currency: str, trusted: bool) -> Event:
    cart = None if wire.cart is None else _cart(wire.cart, currency)
    event = Event(
        id=wire.id,
        type=wire.type,
        at=at,
        seq=wire.seq,
        visitor=visitor,
        session=wire.session or "",
        tab=wire.tab or "",
        page=wire.page,
        engaged_ms=None if wire.engaged_ms is None else int(wire.engaged_ms),
        product=None if wire.product is None else _product(wire.product, currency),
        cart=cart,
        shipping=None if wire.shipping is None else _shipping(wire.shipping, cart.currency if cart else currency),
        order=None if wire.order is None else _order(wire.order, currency),
        consent=wire.consent,
        agents=wire.agents,
        email=wire.email,
        customer_id=_text(wire.customer_id) or None,
        name=wire.name,
        language=wire.language,
        country=wire.country,
        step=_text(wire.step) or None,
        message=wire.message,
        action=wire.action,
        refs=tuple(wire.refs),
        fields=raw,
        trusted=trusted,
    )
    extras = extras_in(raw)
    return msgspec.structs.replace(event, **extras) if extras else event
