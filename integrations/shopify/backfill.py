"""What a webhook missed: what has changed since, read as if a webhook had told it.

Orders and abandoned checkouts say nothing of consent: what somebody allows today is not what they ticked then.
Customers do, with the moment at which they said so; whoever said nothing since the last question is passed over. Of
products only which have changed is asked; their stock is looked up.

The cursor is ``since|after|latest``: what has changed since when is asked for, after which page, and the latest change
that was seen; at the end of the pages it becomes the next ``since``. The very first question asks for the newest page.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.errors import Throttled
from engine.integration import Call, News, Page, WireEvent
from integrations.shopify.api import Api, TooDear
from integrations.shopify.body import Json, amount, group, groups, number_of, text, whole
from integrations.shopify.checkouts import from_checkout
from integrations.shopify.orders import from_order
from integrations.shopify.people import from_email_consent, from_sms_consent

_MONEY = "presentmentMoney { amount currencyCode }"
_PEOPLE = "customer { id firstName lastName locale defaultEmailAddress { emailAddress } }"
_LINES = f"""lineItems(first: 50) {{ nodes {{
  quantity sku title variantTitle variant {{ id }} product {{ id vendor }} originalUnitPriceSet {{ {_MONEY} }}
}} }}"""
_SHARED = f"""id name createdAt updatedAt taxesIncluded customAttributes {{ key value }} discountCodes
  shippingAddress {{ countryCodeV2 }} totalPriceSet {{ {_MONEY} }} totalTaxSet {{ {_MONEY} }} {_PEOPLE} {_LINES}"""
_ORDER = f"""{_SHARED} cancelledAt displayFinancialStatus displayFulfillmentStatus email customerLocale statusPageUrl
  totalDiscountsSet {{ {_MONEY} }} totalShippingPriceSet {{ {_MONEY} }}"""
_CHECKOUT = f"""{_SHARED} completedAt subtotalPriceSet {{ {_MONEY} }} totalDiscountSet {{ {_MONEY} }}
  totalDutiesSet {{ {_MONEY} }}"""

_CUSTOMER = """id updatedAt defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt }
  defaultPhoneNumber { marketingState marketingOptInLevel marketingUpdatedAt }"""


def _query(what: str, sort_key: str, fields: str) -> str:
    return f"""query($first: Int!, $after: String, $query: String, $newest: Boolean) {{
  {what}(first: $first, after: $after, query: $query, sortKey: {sort_key}, reverse: $newest) {{
    pageInfo {{ hasNextPage endCursor }} nodes {{ {fields} }}
  }}
}}"""


QUERIES = {
    "orders": _query("orders", "UPDATED_AT", _ORDER),
    "abandonedCheckouts": _query("abandonedCheckouts", "CREATED_AT", _CHECKOUT),
    "customers": _query("customers", "UPDATED_AT", _CUSTOMER),
    "products": _query("products", "UPDATED_AT", "id updatedAt"),
}


@dataclass(frozen=True)
class Place:
    """How far it has come."""

    since: str = ""
    after: str = ""
    latest: str = ""

    @classmethod
    def of(cls, cursor: str) -> Place:
        return cls(*[*cursor.split("|"), "", "", ""][:3])

    def __str__(self) -> str:
        return f"{self.since}|{self.after}|{self.latest}"

    @property
    def variables(self) -> Json:
        if not self.since:
            return {"after": None, "query": None, "newest": True}
        return {"after": self.after or None, "query": f"updated_at:>='{self.since}'", "newest": False}

    def past(self, page: Json) -> tuple[Place, bool]:
        """The place after this page, and whether there are more of them."""
        told = [text(node, "updatedAt") or "" for node in groups(page, "nodes")]
        latest = max([self.latest, self.since, *told])
        info = group(page, "pageInfo")
        after = text(info, "endCursor")
        if self.since and after and info.get("hasNextPage") is True:
            return Place(self.since, after, latest), True
        return Place(latest), False


def ask(api: Api, what: str, cursor: str, call: Call) -> Page:
    """One page of one of :data:`QUERIES`. Raises as :meth:`Api.query`, Throttled excepted: that is a pause."""
    place = Place.of(cursor)
    try:
        data, wait_ms = api.query(call, QUERIES[what], {"first": api.page_size} | place.variables)
    except Throttled as throttled:
        return Page(News(), cursor, throttled.wait_ms)
    except TooDear:
        if not api.wants_less():
            raise
        return Page(News(), cursor, 0)
    page = group(data, what)
    further, more = place.past(page)
    return Page(_news(what, groups(page, "nodes"), place.since), str(further), wait_ms if more else None)


def _news(what: str, nodes: list[Json], since: str) -> News:
    if what == "products":
        return News(look_ups=tuple(f"product:{number}" for node in nodes if (number := number_of(node))))
    read = {"orders": _from_order, "abandonedCheckouts": _from_checkout}.get(what)
    if read is not None:
        return News(events=tuple(event for node in nodes for event in read(node)))
    return News(events=tuple(event for node in nodes for event in _from_customer(node, since)))


def _from_customer(node: Json, since: str) -> list[WireEvent]:
    """What they have said since then; before the first question, nothing: it may be years old."""
    email, phone = group(node, "defaultEmailAddress"), group(node, "defaultPhoneNumber")
    number, address = number_of(node), text(email, "emailAddress")
    events: list[WireEvent] = []
    if _is_news(email, since):
        events += from_email_consent(
            {"customer_id": number, "email_address": address, "email_marketing_consent": _consent(email)}
        )
    if _is_news(phone, since):
        events += from_sms_consent({"id": number, "sms_marketing_consent": _consent(phone)})
    return events


def _is_news(told: Json, since: str) -> bool:
    return bool(since) and (text(told, "marketingUpdatedAt") or "") >= since


def _consent(told: Json) -> Json:
    state = (text(told, "marketingState") or "").casefold()
    level = (text(told, "marketingOptInLevel") or "").casefold()
    return {"state": state, "opt_in_level": level or None, "consent_updated_at": told.get("marketingUpdatedAt")}


def _from_order(node: Json) -> list[WireEvent]:
    included = node.get("taxesIncluded") is True
    more: Json = {
        "order_number": 0,
        "financial_status": (text(node, "displayFinancialStatus") or "").casefold(),
        "fulfillment_status": (text(node, "displayFulfillmentStatus") or "").casefold(),
        "cancelled_at": node.get("cancelledAt"),
        "email": node.get("email"),
        "order_status_url": node.get("statusPageUrl"),
        "customer_locale": node.get("customerLocale"),
        "total_discounts_set": _money(node, "totalDiscountsSet"),
        # Without its tax it is not what the shopper saw, and its tax is not told.
        "total_shipping_price_set": _money(node, "totalShippingPriceSet") if included else None,
        "taxes_included": included,
    }
    return from_order(_shared(node) | more)


def _from_checkout(node: Json) -> list[WireEvent]:
    address = group(group(node, "customer"), "defaultEmailAddress")
    subtotal = group(_money(node, "subtotalPriceSet"), "presentment_money")
    more: Json = {
        "token": None,
        "abandoned_checkout_url": None,
        "completed_at": node.get("completedAt"),
        "presentment_currency": text(subtotal, "currency_code"),
        "subtotal_price": amount(subtotal, "amount"),
        "total_discounts": _stated(node, "totalDiscountSet"),
        "total_tax": _stated(node, "totalTaxSet"),
        "email": text(address, "emailAddress"),
        # In which language the checkout was shown is not told; theirs is the best guess.
        "customer_locale": group(node, "customer").get("locale"),
        "taxes_included": True,
        "shipping_lines": _shipping(node),
    }
    return from_checkout(_shared(node) | more)


def _shipping(node: Json) -> list[Json]:
    """No shipping line is told; where prices hold their taxes it is what the total has beyond goods and duties.

    Nothing beyond them may mean free or not chosen yet, so then nothing is said.
    """
    total, subtotal = _stated(node, "totalPriceSet"), _stated(node, "subtotalPriceSet")
    if node.get("taxesIncluded") is not True or total is None or subtotal is None:
        return []
    price = total - subtotal - (_stated(node, "totalDutiesSet") or Decimal())
    return [{"price": price}] if price > 0 else []


def _shared(node: Json) -> Json:
    customer, codes = group(node, "customer"), node.get("discountCodes")
    first = next((code for code in codes if isinstance(code, str)), None) if isinstance(codes, list) else None
    return {
        "id": number_of(node),
        "name": node.get("name"),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "note_attributes": [_note(note) for note in groups(node, "customAttributes")],
        "discount_codes": [{"code": first}] if first else [],
        "shipping_address": {"country_code": group(node, "shippingAddress").get("countryCodeV2")},
        "customer": {
            "id": number_of(customer),
            "first_name": customer.get("firstName"),
            "last_name": customer.get("lastName"),
        },
        "total_price_set": _money(node, "totalPriceSet"),
        "total_tax_set": _money(node, "totalTaxSet"),
        "line_items": [_line(item) for item in groups(group(node, "lineItems"), "nodes")],
    }


def _note(note: Json) -> Json:
    return {"name": note.get("key"), "value": note.get("value")}


def _line(item: Json) -> Json:
    product = group(item, "product")
    return {
        "variant_id": number_of(group(item, "variant")),
        "product_id": number_of(product),
        "sku": item.get("sku"),
        "title": item.get("title"),
        "variant_title": item.get("variantTitle"),
        "vendor": product.get("vendor"),
        "quantity": whole(item, "quantity"),
        "price_set": _money(item, "originalUnitPriceSet"),
    }


def _money(node: Json, name: str) -> Json:
    money = group(group(node, name), "presentmentMoney")
    return {"presentment_money": {"amount": money.get("amount"), "currency_code": money.get("currencyCode")}}


def _stated(node: Json, name: str) -> Decimal | None:
    return amount(group(group(node, name), "presentmentMoney"), "amount")
