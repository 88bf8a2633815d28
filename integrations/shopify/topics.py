"""Every topic that is understood: what becomes of it, how its body is read, and what Shopify is asked to send of it.

``fields`` are all that the readers look at (Shopify calls that ``include_fields``), so that nothing else that is known
of a customer is sent along. What changes more than once has a moment among them: of bodies that are the same Shopify
drops the later one. A ``filter`` keeps away what would be read to no effect; it knows capitals, compares whole words,
and sends nothing at all where a field in it is not among ``fields``
(https://shopify.dev/docs/apps/build/webhooks/delivery-filtering).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.integration import News, WireEvent
from integrations.shopify import checkouts, goods, house, orders, people
from integrations.shopify.body import Json

Reader = Callable[[Json], News]


@dataclass(frozen=True)
class Topic:
    """One topic. Those without ``fields`` are not registered through the API: every app has to name them itself, or a
    body of today says nothing of what is read.
    """

    becomes: str
    read: Reader
    fields: str = ""
    filter: str = ""


def _events(read: Callable[[Json], list[WireEvent]]) -> Reader:
    return lambda body: News(events=tuple(read(body)))


_CART = "id token line_items created_at updated_at"
_CHECKOUT = """token cart_token name line_items abandoned_checkout_url created_at updated_at completed_at
  note_attributes customer_locale currency presentment_currency subtotal_price total_discounts total_tax discount_codes
  shipping_lines taxes_included email customer shipping_address billing_address buyer_accepts_marketing
  buyer_accepts_sms_marketing"""
_ORDER = """id order_number checkout_token cart_token note_attributes created_at updated_at cancelled_at line_items
  financial_status fulfillment_status currency total_price total_price_set total_tax total_tax_set total_discounts
  total_discounts_set total_shipping_price_set taxes_included shipping_lines discount_codes email contact_email customer
  order_status_url customer_locale shipping_address billing_address"""
_FULFILLMENT = "id order_id status shipment_status tracking_company created_at updated_at"
_PRODUCT = "id title vendor product_type updated_at variants variant_gids"
_cart, _checkout = _events(checkouts.from_cart), _events(checkouts.from_checkout)
_order, _fulfillment = _events(orders.from_order), _events(orders.from_fulfillment)
_customer = _events(people.from_customer)

TOPICS = {
    "carts/create": Topic("`cart_updated`, of themes; names nobody", _cart, _CART),
    "carts/update": Topic("`cart_updated`, of themes; names nobody", _cart, _CART),
    "checkouts/create": Topic(
        "`checkout_started`, `cart_updated`, `shipping_shown`, `contact_given`", _checkout, _CHECKOUT
    ),
    "checkouts/update": Topic("the same; nothing once it is completed", _checkout, _CHECKOUT),
    "checkouts/delete": Topic(
        "`checkout_deleted`, which changes nothing",
        _events(checkouts.from_deleted_checkout),
        "id cart_token total_price",
    ),
    "orders/create": Topic(
        "`order_placed`, which ends every recovery; and what the order says has become of it", _order, _ORDER
    ),
    "orders/paid": Topic("the same, with `order_paid`", _order, _ORDER),
    "orders/updated": Topic("the same", _order, _ORDER),
    "orders/cancelled": Topic("the same, with `order_cancelled`", _order, _ORDER),
    "orders/fulfilled": Topic("the same, with `order_shipped`", _order, _ORDER),
    "refunds/create": Topic(
        "`order_refunded`, `order_returned` when goods came back",
        _events(orders.from_refund),
        "id order_id refund_line_items processed_at created_at",
    ),
    "fulfillments/create": Topic("`order_shipped`", _fulfillment, _FULFILLMENT),
    "fulfillments/update": Topic("`order_shipped`, `order_delivered`", _fulfillment, _FULFILLMENT),
    "fulfillment_events/create": Topic(
        "`order_shipped`, `order_delivered`",
        _events(orders.from_shipment),
        "id fulfillment_id order_id status happened_at",
        " OR ".join(f"status:{status}" for status in sorted(orders.SAYS_SOMETHING)),
    ),
    "products/update": Topic(
        "`stock_changed` for each variant with an SKU, or the only one; of more than a hundred the rest is asked for",
        goods.from_product,
        _PRODUCT,
    ),
    "inventory_levels/update": Topic(
        "`stock_changed` of its variant, summed over all locations, which is asked for; nothing without `client_id`",
        goods.from_level,
        "inventory_item_id location_id available updated_at",
    ),
    "customers/create": Topic("`consent_changed`, of API versions that tell consent; not registered", _customer),
    "customers/update": Topic("`consent_changed`, of API versions that tell consent; not registered", _customer),
    "customers/merge": Topic(
        "`contact_given`: two accounts are one person from now on, who goes by the number that is left",
        _events(people.from_merge),
        "admin_graphql_api_customer_kept_id admin_graphql_api_customer_deleted_id status",
    ),
    "customers/delete": Topic(
        "the person is erased once Shopify has confirmed that there is no such customer any more; nobody whose account "
        "went up in another one",
        people.from_deletion,
        "id admin_graphql_api_id",
    ),
    "customers_email_marketing_consent/update": Topic(
        "`consent_changed`", _events(people.from_email_consent), "customer_id email_address email_marketing_consent"
    ),
    "customers_marketing_consent/update": Topic(
        "`consent_changed`, for text messages: kept as a proof, nothing is sent that way",
        _events(people.from_sms_consent),
        "id sms_marketing_consent",
    ),
    "customers_whats_app_marketing_consent/update": Topic(
        "`consent_changed`, for WhatsApp: kept as a proof, nothing is sent that way",
        _events(people.from_whatsapp_consent),
        "customer_id whats_app_marketing_consent",
    ),
    "customers/data_request": Topic("an export that waits in `shopbell privacy`", people.from_data_request),
    "customers/redact": Topic("the person and the named orders are erased", people.from_redaction),
    "shop/redact": Topic("everything about everybody in the shop is erased", people.from_shop_redaction),
    "shop/update": Topic(
        "a warning where the rule file has another time zone or currency; whether prices hold their taxes is read from "
        "each checkout and order",
        house.from_shop,
        "id myshopify_domain iana_timezone currency updated_at",
    ),
    "app/scopes_update": Topic(
        "the webhooks are seen to at once: a right that was given or taken changes which can be there",
        house.from_scopes,
        "id previous current updated_at",
    ),
    "app/uninstalled": Topic(
        "told in the log; nothing more comes", house.from_uninstalled, "id domain myshopify_domain"
    ),
}
REQUESTS = frozenset(["customers/data_request", "customers/redact", "shop/redact"])
"""What people ask of the shop: it may come again with the very same bytes."""
