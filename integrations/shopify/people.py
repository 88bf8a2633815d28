"""Who may be written to, and what people ask of the shop."""

from __future__ import annotations

from engine.errors import Unreadable
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


def from_whatsapp_consent(body: Json) -> list[WireEvent]:
    """``customers_whats_app_marketing_consent/update``."""
    require(body, "customer_id", "whats_app_marketing_consent")
    return _consent("whatsapp", group(body, "whats_app_marketing_consent"), body)


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


def from_data_request(body: Json) -> News:
    """``customers/data_request``: what is kept of somebody is to be given out."""
    require(body, "customer", "data_request")
    reference = text(group(body, "data_request"), "id") or ""
    return News(requests=(PrivacyRequest("export", *_somebody(body), reference=reference),))


def from_redaction(body: Json) -> News:
    """``customers/redact``: somebody is to be forgotten."""
    require(body, "customer", "orders_to_redact")
    orders = body.get("orders_to_redact")
    named = [str(order) for order in orders if isinstance(order, int)] if isinstance(orders, list) else []
    refs = tuple(name for order in named for name in ref("order", order))
    return News(requests=(PrivacyRequest("erase", *_somebody(body), refs=refs),))


def from_shop_redaction(body: Json) -> News:
    """``shop/redact``: everybody is to be forgotten. The topic is not signed, so a body about one customer is none."""
    if "customer" in body:
        raise Unreadable("it is about one customer")
    return News(requests=(PrivacyRequest("erase_shop"),))


def _somebody(body: Json) -> tuple[str, str]:
    customer = group(body, "customer")
    return text(customer, "email") or "", text(customer, "id") or ""


def is_elsewhere(body: Json, shop: str) -> bool:
    """Whether a request is about another shop. Shopify tries them with one called ``{shop}.myshopify.com``."""
    require(body, "shop_id", "shop_domain")
    return (text(body, "shop_domain") or "").casefold() != shop.casefold()
