"""What a webhook or a list only hints at, asked for by itself: whether something was really deleted, and variations.

The body of ``*.deleted`` is a bare number, which no signature ties to its topic. So nothing is done on its word: the
shop is asked whether it still has what goes by that number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.integration import Call, News, Page, PrivacyRequest, WireEvent, fact, json_object
from integrations.woocommerce.api import Api, items
from integrations.woocommerce.body import Json, moment, number, text
from integrations.woocommerce.goods import from_variation

_DELETED = {"order": "deleted-order", "customer": "deleted-customer"}
_MOST_AT_ONCE = 100


def of_deleted(resource: str, body: Json) -> tuple[str, ...]:
    """What to look up because of ``<resource>.deleted``."""
    name = number(body, "id")
    return (f"{_DELETED[resource]}:{name}",) if name and resource in _DELETED else ()


def of_products(products: list[bytes]) -> tuple[str, ...]:
    """What to look up because these products have changed: a product with variations says nothing of their stock."""
    read = map(json_object, products)
    return tuple(f"variations:{name}" for body in read if body.get("variations") and (name := number(body, "id")))


def ask(api: Api, what: str, cursor: str, call: Call) -> Page:
    """One page of what is looked up. Raises as the API does."""
    kind, _, name = what.partition(":")
    return _ASK[kind](api, name, cursor, call) if kind in _ASK and name.isdecimal() else Page(News())


def _deleted_order(api: Api, name: str, cursor: str, call: Call) -> Page:
    """An order that is gone, or in the bin, is nobody's to pay or to wait for."""
    told = api.find(call, f"orders/{name}", {"_fields": "id,status,date_modified_gmt"})
    order = json_object(told) if told is not None else {}
    if told is not None and text(order, "status") != "trash":
        return Page(News())
    return Page(News(events=(_cancelled(name, moment(order, "date_modified")),)))


def _cancelled(name: str, at: str | None) -> WireEvent:
    refs = [f"woocommerce:order:{name}"]
    return fact("order_cancelled", "woocommerce", name, at=at, order={"id": name}, refs=refs)


def _deleted_customer(api: Api, name: str, cursor: str, call: Call) -> Page:
    """Whose account is gone is forgotten here too."""
    if api.find(call, f"customers/{name}", {"_fields": "id"}) is not None:
        return Page(News())
    request = PrivacyRequest("erase", customer_id=name, reference=f"customer {name} was deleted")
    return Page(News(requests=(request,)))


def _variations(api: Api, name: str, cursor: str, call: Call) -> Page:
    page = int(cursor) if cursor.isdecimal() else 1
    query = {"per_page": str(_MOST_AT_ONCE), "page": str(page), "orderby": "id", "order": "asc"}
    told = api.find(call, f"products/{name}/variations", query)
    found = items(told) if told is not None else []
    events = [event for each in found for event in from_variation(json_object(each), int(name))]
    more = len(found) == _MOST_AT_ONCE
    return Page(News(events=tuple(events)), str(page + 1) if more else "", 0 if more else None)


_ASK: Mapping[str, Callable[[Api, str, str, Call], Page]] = {
    "deleted-order": _deleted_order,
    "deleted-customer": _deleted_customer,
    "variations": _variations,
}
