"""What a webhook only hints at, read again: its signature is weak, so nobody is mailed on its word alone.

A look-up is named ``kind:id`` or ``kind:id:customer``, so that an erasure finds it. What is gone says nothing, but for
a customer: whoever was deleted in the shop is deleted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from engine.errors import Unreadable
from engine.integration import LAST_LOOK, Call, Json, News, PrivacyRequest, WireEvent, wall_clock
from integrations.lightspeed.api import Api
from integrations.lightspeed.backfill import PAGES
from integrations.lightspeed.body import (
    all_inside,
    code_of_language,
    inside,
    language_of,
    linked,
    name_of,
    refs_of,
    text,
)
from integrations.lightspeed.goods import from_variant
from integrations.lightspeed.names import Names
from integrations.lightspeed.orders import from_reread_order
from integrations.lightspeed.people import contact_of, from_customer, from_subscription, ticked_in_cart
from integrations.lightspeed.quotes import from_quote

_LISTS = ("products", "shippingmethods")
_SHARES = {LAST_LOOK: 1.0, "limits": 1.0, "quote": 0.7, "variant": 0.6} | dict.fromkeys(["missed", *PAGES], 0.5)
"""How much of the calls a question may use up; one about somebody, ``quote:id:customer`` among them, 0.9."""
_USUAL_SHARE = 0.9
_LONGEST_NUMBER = 40
_LONGEST_ADDRESS = 150
GONE = "gone"
TOGETHER = {"variant": 250}
_MOST = "250"
_MANY = 5
"""So many questions cost as much as one page is allowed to."""
_AN_HOUR_S = 3_600
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
            GONE: self._gone,
            "subscription": self._simple("subscriptions", "subscription", from_subscription(ended=False)),
            "variant": self._simple("variants", "variant", from_variant),
        }

    def look_up(self, what: str, call: Call) -> News:
        """What is to be said of it now. Raises CallError, Throttled and Unreadable."""
        kind, _, rest = what.partition(":")
        read = self._kinds.get(kind)
        name = rest.partition(":")[0]
        if read is None or not name.isalnum():
            return News()
        return read(rest if kind == GONE else name, call)

    def ask_together(self, whats: tuple[str, ...], call: Call) -> Mapping[str, News]:
        """Variants of which much has changed at once, out of the list of what changed in the last hour.

        As many pages of it are asked for as cost a fifth of asking for each; what is not on them is asked for alone.
        """
        if len(whats) < _MANY:
            return {}
        since = datetime.fromtimestamp(wall_clock() / 1_000 - _AN_HOUR_S, UTC).isoformat(timespec="seconds")
        wanted, found = set(whats), dict[str, News]()
        for page in range(1, len(whats) // _MANY + 2):
            query = {"updated_at_min": since, "limit": _MOST, "page": str(page)}
            items = self._api.listed(call, "variants", **query).items
            found |= {what: news for what, news in map(_stock_of, items) if what in wanted and news is not None}
            if len(items) < int(_MOST) or len(found) == len(wanted):
                break
        return found

    def _quote(self, name: str, call: Call) -> News:
        quote = self._api.one(call, f"quotes/{name}", "quote")
        if quote is None:
            return News()
        whole = quote | {part: _embedded(self._all_of(quote, name, part, call)) for part in _LISTS}
        language = code_of_language(quote)
        whole["products"] = _embedded(self._names.complete(all_inside(whole, "products"), language, call))
        told, whose = from_quote({"quote": whole}), self._whose(quote, name, call)
        # Number and address in one breath: a number that came first would be somebody else's for ever.
        cart = [event for event in told if not whose or event["type"] != "contact_given"]
        return News(events=(*cart, *whose))

    def _all_of(self, quote: Json, name: str, part: str, call: Call) -> list[Json]:
        return all_inside(quote, part) or self._api.listed_of(call, f"quotes/{name}/{part}")

    def _whose(self, quote: Json, name: str, call: Call) -> list[WireEvent]:
        number = linked(quote, "customer")
        if number is None:
            return []
        customer = inside(quote, "customer") or self._api.one(call, f"customers/{number}", "customer") or {}
        told = contact_of(customer, "quote", name, number, refs=refs_of(name, quote), language=language_of(quote))
        ticked = self._api.told.cart_consent and quote.get("allowNotifications") is True
        return [*told, *(ticked_in_cart(customer, quote) if ticked else [])]

    def _order(self, name: str, call: Call) -> News:
        order = self._api.one(call, f"orders/{name}", "order")
        return News() if order is None else News(events=tuple(from_reread_order({"order": order})))

    def _customer(self, name: str, call: Call) -> News:
        customer = self._api.one(call, f"customers/{name}", "customer")
        return News() if customer is None else News(events=tuple(from_customer({"customer": customer})))

    def _gone(self, rest: str, call: Call) -> News:
        """A customer of whom it is said that they were deleted: only when they really are not there any more.

        Whom we know by the address alone goes too, unless another customer has it.
        """
        name, _, address = rest.partition(":")
        if self._api.one(call, f"customers/{name}", "customer") is not None:
            return News()
        known_by_it = "" if self._has_customer(address, call) else address
        reference = "a customer who was deleted in the shop"
        return News(requests=(PrivacyRequest("erase", email=known_by_it, customer_id=name, reference=reference),))

    def _has_customer(self, address: str, call: Call) -> bool:
        found = self._api.listed_of(call, "customers", email=address, limit=_MOST) if address else []
        return any((text(each, "email") or "").casefold() == address.casefold() for each in found)

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


def gone_hint(customer: Json) -> str:
    """What has to be looked up because a customer is said to be deleted: their number, and the address they had."""
    name, address = name_of(customer), text(customer, "email") or ""
    fits = len(address) <= _LONGEST_ADDRESS and ":" not in address
    return f"{GONE}:{name}:{address}" if address and fits else f"{GONE}:{name}"


def _stock_of(variant: Json) -> tuple[str, News | None]:
    what = f"variant:{text(variant, 'id')}"
    try:
        return what, News(events=tuple(from_variant({"variant": variant})))
    except Unreadable:
        return what, None


def _embedded(items: list[Json]) -> Json:
    return {"resource": {"embedded": items}}
