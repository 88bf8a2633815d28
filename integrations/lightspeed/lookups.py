"""What a webhook only hints at, read again: its signature is weak, so nobody is mailed on its word alone.

A look-up is named ``kind:id`` or ``kind:id:customer``, so that an erasure finds it. What is gone says nothing, but for
a customer: whoever was deleted in the shop is deleted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.integration import LAST_LOOK, Call, Json, News, PrivacyRequest, WireEvent
from integrations.lightspeed.api import Api
from integrations.lightspeed.backfill import PAGES
from integrations.lightspeed.body import all_inside, inside, linked, refs_of, text
from integrations.lightspeed.goods import from_variant
from integrations.lightspeed.names import Names
from integrations.lightspeed.orders import from_reread_order
from integrations.lightspeed.people import contact_of, from_customer, from_subscription
from integrations.lightspeed.quotes import from_quote

_LISTS = ("products", "shippingmethods")
_SHARES = {LAST_LOOK: 1.0, "limits": 1.0, "quote": 0.7, "variant": 0.6} | dict.fromkeys(["missed", *PAGES], 0.5)
"""How much of the calls a question may use up; one about somebody, ``quote:id:customer`` among them, 0.9."""
_USUAL_SHARE = 0.9
_LONGEST_NUMBER = 40
_SOMEBODYS = ("quote", "order")
"""What may belong to a customer."""


def share_of(what: str) -> float:
    """How much of the calls may be used up before this has to wait."""
    kind, _, rest = what.partition(":")
    return _USUAL_SHARE if ":" in rest and kind == "quote" else _SHARES.get(kind, _USUAL_SHARE)


class LookUps:
    """Reads one thing again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names = Names(api)
        self._kinds: Mapping[str, Callable[[str, Call], News]] = {
            "quote": self._quote,
            "missed": self._quote,
            "order": self._order,
            "customer": self._customer,
            "gone": self._gone,
            "subscription": self._simple("subscriptions", "subscription", from_subscription(ended=False)),
            "variant": self._simple("variants", "variant", from_variant),
        }

    def look_up(self, what: str, call: Call) -> News:
        """What is to be said of it now. Raises CallError, Throttled and Unreadable."""
        kind, _, rest = what.partition(":")
        read = self._kinds.get(kind)
        name = rest.partition(":")[0]
        return read(name, call) if read is not None and name.isalnum() else News()

    def _quote(self, name: str, call: Call) -> News:
        quote = self._api.one(call, f"quotes/{name}", "quote")
        if quote is None:
            return News()
        whole = quote | {part: _embedded(self._all_of(quote, name, part, call)) for part in _LISTS}
        whole["products"] = _embedded(self._names.complete(all_inside(whole, "products"), call))
        told, whose = from_quote({"quote": whole}), self._whose(quote, name, call)
        # Number and address in one breath: a number that came first would be somebody else's for ever.
        cart = [event for event in told if not whose or event["type"] != "contact_given"]
        return News(events=(*cart, *whose))

    def _all_of(self, quote: Json, name: str, part: str, call: Call) -> list[Json]:
        return all_inside(quote, part) or self._api.listed(call, f"quotes/{name}/{part}").items

    def _whose(self, quote: Json, name: str, call: Call) -> list[WireEvent]:
        number = linked(quote, "customer")
        if number is None:
            return []
        customer = inside(quote, "customer") or self._api.one(call, f"customers/{number}", "customer") or {}
        return contact_of(customer, "quote", name, number, refs=refs_of(name, quote))

    def _order(self, name: str, call: Call) -> News:
        order = self._api.one(call, f"orders/{name}", "order")
        return News() if order is None else News(events=tuple(from_reread_order({"order": order})))

    def _customer(self, name: str, call: Call) -> News:
        customer = self._api.one(call, f"customers/{name}", "customer")
        return News() if customer is None else News(events=tuple(from_customer({"customer": customer})))

    def _gone(self, name: str, call: Call) -> News:
        """A customer of whom it is said that they were deleted: only when they really are not there any more."""
        if self._api.one(call, f"customers/{name}", "customer") is not None:
            return News()
        return News(requests=(PrivacyRequest("erase", customer_id=name, reference=f"customer {name} was deleted"),))

    def _simple(self, resource: str, kind: str, read: Callable[[Json], list[WireEvent]]) -> Callable[[str, Call], News]:
        def look_up(name: str, call: Call) -> News:
            found = self._api.one(call, f"{resource}/{name}", kind)
            return News() if found is None else News(events=tuple(read({kind: found})))

        return look_up


def hints(kind: str, thing: Json) -> tuple[str, ...]:
    """What has to be looked up because of a delivery about such a thing."""
    name, customer = text(thing, "id") or "", linked(thing, "customer") if kind in _SOMEBODYS else None
    told = [each for each in (name, customer) if each and len(each) <= _LONGEST_NUMBER]
    return (":".join([kind, *told]),) if name in told else ()


def _embedded(items: list[Json]) -> Json:
    return {"resource": {"embedded": items}}
