"""Customers, and who has subscribed to the newsletter."""

from __future__ import annotations

from collections.abc import Callable

from engine.integration import WireEvent, fact
from integrations.lightspeed.body import Json, country_of, language_of, name_of, person_in, text, thing


def from_customer(body: Json) -> list[WireEvent]:
    """``customers/*``: whose number it is. That somebody is a customer is no consent to be mailed."""
    customer = thing(body, "customer", "id", "email", "firstname")
    return contact_of(customer, "customer", name_of(customer))


def contact_of(
    customer: Json, *what: str, refs: list[str] | None = None, language: str | None = None
) -> list[WireEvent]:
    """Whose number it is; ``refs`` are the names of the cart that is theirs, ``language`` is what they read it in."""
    email, name, at = text(customer, "email"), text(customer, "id"), text(customer, "updatedAt")
    if email is None or name is None:
        return []
    who: Json = {
        "email": email,
        "customer_id": name,
        "name": person_in(customer),
        "language": language or language_of(customer),
        "country": country_of(customer),
        "refs": refs,
    }
    return [fact("contact_given", "lightspeed", *what, email, at=at, **who)]


def ticked_in_cart(customer: Json, quote: Json) -> list[WireEvent]:
    """That whoever left the cart may be mailed, as the shop has said that its box means."""
    email = text(customer, "email")
    if email is None:
        return []
    consent = {"email": True, "source": "Lightspeed cart: allowNotifications"}
    who: Json = {"email": email, "language": language_of(quote), "consent": consent}
    return [fact("consent_changed", "lightspeed", "quote", name_of(quote), email, at=text(quote, "updatedAt"), **who)]


def from_subscription(*, ended: bool) -> Callable[[Json], list[WireEvent]]:
    """``subscriptions/*``: what somebody allows. One that waits for its confirmation says neither yes nor no.

    When a subscription ended is not told; it counts from when that is heard.
    """

    def read(body: Json) -> list[WireEvent]:
        told = thing(body, "subscription", "id", "email", "isConfirmed")
        email, name, at = text(told, "email"), name_of(told), text(told, "updatedAt")
        if email is None or not (ended or told.get("isConfirmed") is True):
            return []
        consent = {"email": not ended, "source": f"Lightspeed newsletter: {'ended' if ended else 'confirmed'}"}
        who: Json = {"email": email, "name": person_in(told), "language": language_of(told), "consent": consent}
        return [fact("consent_changed", "lightspeed", name, ended, email, at, at=None if ended else at, **who)]

    return read
