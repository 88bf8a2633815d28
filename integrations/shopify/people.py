"""Who may be written to, who they are, and what people ask of the shop."""

from __future__ import annotations

import re

from engine.errors import CallError, Unreadable
from engine.integration import Call, News, Page, PrivacyRequest, WireEvent, fact
from integrations.shopify.api import Api
from integrations.shopify.body import Json, group, ref, require, text

_YES = frozenset(["subscribed"])
_NO = frozenset(["unsubscribed", "redacted", "invalid"])
"""``not_subscribed`` and ``pending`` are neither: they take nothing back that was said elsewhere."""
GONE = "gone"
"""What the look-up of a customer who was deleted is called."""
MERGED_WITHIN_MS = 5 * 60_000
_NAME = re.compile(r"gid://shopify/Customer/([0-9]{1,20})\Z")
_CUSTOMER = "query($id: ID!) { customer(id: $id) { id } }"


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
    level = text(consent, "opt_in_level") if state in _YES else None
    told = {kind: state in _YES, "source": f"Shopify: {state}" + (f", {level}" if level else "")}
    said = fact("consent_changed", "shopify", customer, kind, state, at, at=at, email=email, consent=told)
    return [said | ({"customer_id": customer} if customer else {})]


def from_merge(body: Json) -> list[WireEvent]:
    """``customers/merge``: two accounts became one, once that is done; the other may still be told as deleted."""
    require(body, "admin_graphql_api_customer_kept_id", "admin_graphql_api_customer_deleted_id", "status")
    kept, gone = (_customer_of(body, f"admin_graphql_api_customer_{which}_id") for which in ("kept", "deleted"))
    if not kept or not gone or (text(body, "status") or "").casefold() != "completed":
        return []
    return [fact("contact_given", "shopify", "merge", kept, gone, customer_id=kept, formerly=gone)]


def from_deletion(body: Json) -> News:
    """``customers/delete``: somebody's account is gone. The topic is not signed, so a body that says more of a customer
    than their number is none.
    """
    require(body, "id", "admin_graphql_api_id")
    if body.get("email") or body.get("created_at"):
        raise Unreadable("it is about a customer who is there")
    number = _customer_of(body, "admin_graphql_api_id")
    return News(look_ups=(f"{GONE}:{number}",) if number else ())


def _customer_of(body: Json, name: str) -> str | None:
    found = _NAME.match(text(body, name) or "")
    return found[1] if found else None


def ask_whether_gone(api: Api | None, number: str, cursor: str, call: Call) -> Page:
    """Whether the customer is really not there any more: then they are forgotten here too.

    Of two accounts that become one the other is deleted, and webhooks come in no order; so it is waited a while for
    word of that. Without an ``api``, or one that may not see customers, the signed body has to do. Raises CallError,
    Throttled and Unreadable when it was asked and did not say.
    """
    if not cursor:
        return Page(News(), "waited", MERGED_WITHIN_MS)
    if api is not None and _is_there(api, number, call):
        return Page(News())
    return Page(News(requests=(PrivacyRequest("erase", customer_id=number, unless_merged=True),)))


def _is_there(api: Api, number: str, call: Call) -> bool:
    try:
        data, _ = api.query(call, _CUSTOMER, {"id": f"gid://shopify/Customer/{number}"})
    except CallError as error:
        if not error.refused:
            raise
        return False
    return bool(group(data, "customer"))


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
