"""Who customers are, what they allow, and what they ask of the shop."""

from __future__ import annotations

from engine.integration import Json, PrivacyRequest, WireEvent, fact, group, require, text
from integrations.ecwid.body import date


def from_customer(body: Json) -> list[WireEvent]:
    """Whose number it is, and whether they may be mailed: null was never asked, and takes nothing back."""
    require(body, "id", "email")
    number, email, at = text(body, "id"), text(body, "email"), date(body, "updated")
    if number is None or email is None:
        return []
    said: Json = {"email": email, "customer_id": number, "language": text(body, "lang")}
    name = text(group(body, "billingPerson"), "name") or text(body, "name")
    told = [fact("contact_given", "ecwid", "customer", number, email, at=at, name=name, **said)]
    allows = body.get("acceptMarketing")
    if isinstance(allows, bool):
        consent: Json = {"email": allows, "source": "Ecwid customer"}
        told.append(fact("consent_changed", "ecwid", number, allows, at, at=at, consent=consent, **said))
    return told


def from_request(kind: str, number: str, customer: Json | None) -> PrivacyRequest:
    """What was asked for the customer of that number; None: Ecwid has removed them already."""
    return PrivacyRequest("erase" if kind == "removal" else "export", text(customer or {}, "email") or "", number)
