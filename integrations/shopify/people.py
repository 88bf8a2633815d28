"""Who may be written to, and what people ask of the shop."""

from __future__ import annotations

from engine.integration import News, PrivacyRequest, WireEvent, fact
from integrations.shopify.body import Json, group, ref, require, text

_YES = frozenset(["subscribed"])
_NO = frozenset(["unsubscribed", "redacted", "invalid"])
"""``not_subscribed`` and ``pending`` are neither: they take nothing back that was said elsewhere."""


def from_email_consent(body: Json) -> list[WireEvent]:
    """``customers_email_marketing_consent/update``."""
    require(body, "customer_id", "email_marketing_consent")
    return _consent("email", group(body, "email_marketing_consent"), body)


def from_sms_consent(body: Json) -> list[WireEvent]:
    """``customers_marketing_consent/update``: by text message."""
    require(body, "id", "sms_marketing_consent")
    return _consent("sms", group(body, "sms_marketing_consent"), body)


def from_customer(body: Json) -> list[WireEvent]:
    """``customers/*``: until the API of 2024 they said what may be mailed; later ones leave it to topics of its own."""
    require(body, "id", "email", "verified_email")
    return _consent("email", group(body, "email_marketing_consent"), body)


def _consent(kind: str, consent: Json, body: Json) -> list[WireEvent]:
    state, at = text(consent, "state"), text(consent, "consent_updated_at") or text(consent, "updated_at")
    customer = text(body, "customer_id") or text(body, "id")
    email = text(body, "email_address") or text(body, "email")
    if state not in _YES | _NO or not (customer or email):
        return []
    told = {kind: state in _YES, "source": f"Shopify: {state}"}
    said = fact("consent_changed", "shopify", customer, kind, state, at, at=at, email=email, consent=told)
    return [said | ({"customer_id": customer} if customer else {})]


def from_request(topic: str, body: Json, shop: str) -> News:
    """The topics that every app must serve. Shopify tries them with a shop called ``{shop}.myshopify.com``."""
    require(body, "shop_id", "shop_domain")
    if (text(body, "shop_domain") or "").casefold() != shop.casefold():
        return News()
    return News(requests=(_request(topic, body),))


def _request(topic: str, body: Json) -> PrivacyRequest:
    if topic == "shop/redact":
        return PrivacyRequest("erase_shop")
    require(body, "customer")
    email, customer = (text(group(body, "customer"), name) or "" for name in ("email", "id"))
    if topic == "customers/data_request":
        reference = text(group(body, "data_request"), "id") or ""
        return PrivacyRequest("export", email, customer, reference=reference)
    require(body, "orders_to_redact")
    orders = body.get("orders_to_redact")
    named = [str(order) for order in orders if isinstance(order, int)] if isinstance(orders, list) else []
    return PrivacyRequest("erase", email, customer, refs=tuple(name for order in named for name in ref("order", order)))
