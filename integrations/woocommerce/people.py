"""Who may be written to."""

from __future__ import annotations

from engine.integration import WireEvent, fact
from integrations.woocommerce.body import Json, email_of, meta, moment, number, require
from integrations.woocommerce.orders import YES
from integrations.woocommerce.told import WooCommerceSettings

_NO = frozenset(["0", "no", "false", "off"])


def from_customer(body: Json, told: WooCommerceSettings) -> list[WireEvent]:
    """``customer.*``: what the account says of the newsletter, in the meta key that the shop has named."""
    require(body, "id", "email", "username", "billing")
    noted = str(meta(body, told.consent_meta)).strip().casefold()
    customer, email = number(body, "id"), email_of(body)
    if noted not in YES | _NO or not (customer and email):
        return []
    consent, at = {"email": noted in YES, "source": "WooCommerce account"}, moment(body, "date_modified")
    said = fact("consent_changed", "woocommerce", customer, noted in YES, at, at=at, email=email, consent=consent)
    return [said | {"customer_id": customer}]
