"""Events: what a shopper, a shop or a house reports, checked and normalised.

:func:`parse_event` turns one decoded JSON object into an :class:`Event`: types checked, money in minor units, ids as
text. Fields that are not known here stay in the stored body, so that nothing of the shop's own is lost.
"""

from engine.events.model import (
    CANONICAL_TYPES,
    PAGE_TYPES,
    REQUIRED,
    Agents,
    Cart,
    Consent,
    Event,
    Line,
    Loyalty,
    Order,
    Page,
    Product,
    Shipping,
    Told,
    Trait,
    is_known,
)
from engine.events.wire import WIRE_EVENT, parse_event, parse_stored

__all__ = [
    "CANONICAL_TYPES",
    "PAGE_TYPES",
    "REQUIRED",
    "WIRE_EVENT",
    "Agents",
    "Cart",
    "Consent",
    "Event",
    "Line",
    "Loyalty",
    "Order",
    "Page",
    "Product",
    "Shipping",
    "Told",
    "Trait",
    "is_known",
    "parse_event",
    "parse_stored",
]
