"""What Ecwid's JSON says beyond what every platform's does: moments as UNIX seconds or as ``2014-09-20 19:59:43
+0000``, amounts as numbers in major units without a currency, and what is in a cart or an order.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from engine.errors import Unreadable
from engine.integration import Json, amount, group, groups, text, whole, without_nothing

NOTHING = Decimal()
VISITOR = "shopbell_visitor"
"""The extra field of the checkout in which the shop's page writes whose cart it is."""
_LAST_YEAR = 253_402_300_799  # the end of the year 9999


def moment(body: Json, name: str) -> str | None:
    """The moment of that name (``update`` for ``updateTimestamp`` and ``updateDate``) as ISO 8601 in UTC."""
    seconds = whole(body, f"{name}Timestamp")
    return iso_of(seconds) if seconds is not None else date(body, f"{name}Date")


def date(body: Json, name: str) -> str | None:
    """A moment that is written as a date. Raises Unreadable for what is none."""
    told = text(body, name)
    if told is None:
        return None
    try:
        at = datetime.strptime(told, "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        raise Unreadable(f"{name} is no date") from None
    return at.astimezone(UTC).isoformat()


def iso_of(seconds: int) -> str:
    """UNIX seconds as ISO 8601 in UTC. Raises Unreadable for what no clock will ever show."""
    if not 0 <= seconds <= _LAST_YEAR:
        raise Unreadable("a timestamp is none")
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def visitor(body: Json) -> str | None:
    """Whose cart it is, where the shop's page has written that into the checkout's extra fields."""
    return text(group(body, "extraFields"), VISITOR)


def person_in(body: Json) -> str | None:
    """What somebody is called, by where it goes, else by who pays."""
    return text(group(body, "shippingPerson"), "name") or text(group(body, "billingPerson"), "name")


def country_of(body: Json) -> str | None:
    """Where it goes, else where the bill goes."""
    return text(group(body, "shippingPerson"), "countryCode") or text(group(body, "billingPerson"), "countryCode")


def consent_in(body: Json) -> Json | None:
    """A ticked box is consent. An empty one withdraws nothing, and null was never asked: in the EU that is no yes."""
    return {"email": True, "source": "Ecwid checkout"} if body.get("acceptMarketing") is True else None


def lines(body: Json) -> list[Json]:
    """What is in it, as the shopper saw it."""
    return [_line(item) for item in groups(body, "items") if (whole(item, "quantity") or 0) > 0]


def _line(item: Json) -> Json:
    said: Json = {
        "product_id": text(item, "productId"),
        "sku": text(item, "sku"),
        "name": text(item, "name"),
        "variant": chosen(item, "selectedOptions"),
        "quantity": whole(item, "quantity"),
        "price": amount(item, "price"),
        "image_url": text(item, "imageUrl"),
    }
    return without_nothing(said)


def chosen(item: Json, options: str) -> str | None:
    """``Kleur: Blauw / Maat: L``, so that a page can put the same thing into the cart again."""
    told = ((text(option, "name"), text(option, "value")) for option in groups(item, options))
    return " / ".join(f"{name}: {value}" for name, value in told if name and value) or None


def discount(body: Json) -> Decimal:
    """All of them together: Ecwid counts a coupon apart from every other discount."""
    return (amount(body, "discount") or NOTHING) + (amount(body, "couponDiscount") or NOTHING)


def coupon(body: Json) -> str | None:
    return text(group(body, "discountCoupon"), "code")


def fee(body: Json) -> Decimal:
    """What is asked for handling, beside shipping."""
    return amount(group(body, "handlingFee"), "value") or NOTHING


def shipping(body: Json) -> Decimal | None:
    """What shipping costs, tax included; None where no way of shipping was chosen.

    ``taxesOnShipping`` are the taxes on the rate and the handling fee together. Where prices include their taxes, or
    the rate is higher than its own net, they are in the rate already.
    """
    option = group(body, "shippingOption")
    rate = amount(option, "shippingRate")
    if rate is None:
        return None
    shown = amount(option, "discountedShippingRate")
    price = rate if shown is None else shown
    net = amount(option, "shippingRateWithoutTax")
    taxed = rate + fee(body)
    if body.get("pricesIncludeTax") is True or (net is not None and net < rate) or taxed <= 0:
        return max(NOTHING, price)
    taxes = sum((amount(tax, "total") or NOTHING for tax in groups(body, "taxesOnShipping")), NOTHING)
    return max(NOTHING, price + taxes * price / taxed)


def days(body: Json) -> int | None:
    """How long the delivery takes at most: ``5`` and ``4-9 days`` are what shoppers read."""
    told = re.findall(r"\d{1,3}", text(group(body, "shippingOption"), "estimatedTransitTime") or "")
    return int(told[-1]) if told else None
