"""What the API is asked: lists by the clock, and one thing at a time because a webhook named it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from engine.errors import Unreadable
from engine.integration import Call, CartNow, Json, News, OrderNow, Page, PrivacyRequest, groups, text
from integrations.ecwid.api import Api, NoAccess
from integrations.ecwid.body import date, iso_of
from integrations.ecwid.goods import from_product
from integrations.ecwid.orders import order_now
from integrations.ecwid.people import from_request
from integrations.ecwid.told import told
from integrations.ecwid.walk import OVERLAP_S, PAGE, Walk

POLLS = {"carts": 300_000, "orders": 300_000, "reminders": 300_000}
TOGETHER = {"product": PAGE}
"""What is asked for in one call when there is much of it: a shop that counts its stock anew changes all of it."""
BEGINS_BACK_S = 86_400
"""How far back it looks when it is first connected."""
MAILED_WITHIN_S = 3 * 86_400
"""Whether Ecwid's own mail counts as a change of its cart is not documented: carts of so long are looked at again."""
_HOUR_S = 3_600
_DAY_MS = 86_400_000
_PATIENCE_DAYS = 40
_CLOSED_TWICE = 2


@dataclass(frozen=True)
class Questions:
    """Asks one store; ``wait_ms`` is how long a cart is given to become an order before it is looked at."""

    api: Api
    wait_ms: int
    now_s: Callable[[], int]

    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """As :meth:`~engine.integration.Asker.ask`."""
        kind, _, name = what.partition(":")
        if kind in POLLS:
            return self._poll(kind, cursor, call)
        if kind == "recent":
            return self._list(name, Walk.of(cursor, since=self.now_s() - _HOUR_S, until=self._until(name)), call)
        one = {
            "order": self._order,
            "cart": self._cart,
            "product": self._thing,
            "customer": self._thing,
            "gone": self._gone,
            "removal": self._request,
            "export": self._request,
            "access": self._access,
            "store_removal": self._store_removal,
        }.get(kind)
        return Page(News()) if one is None else one(what, cursor, call)

    def look(self, refs: tuple[str, ...], call: Call) -> CartNow | None:
        """As :meth:`~engine.integration.Looker.look`: by the cart, else by its order."""
        asked = False
        for kind in ("cart", "order"):
            name = _named(refs, kind)
            found = self.api.get(call, f"{kind}s", name) if name else None
            asked |= name is not None
            if found is not None:
                return _cart_now(found) if kind == "cart" else _order_now(found)
        return CartNow.GONE if asked else None

    def look_at_order(self, refs: tuple[str, ...], later: Collection[str], call: Call) -> OrderNow | None:
        """As :meth:`~engine.integration.OrderLooker.look_at_order`."""
        name = _named(refs, "order")
        if name is None:
            return None
        found = self.api.get(call, "orders", name)
        return OrderNow.CANCELLED if found is None else order_now(found, later)

    def ask_together(self, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
        """Products, by their numbers. One that is not in the answer, or that nobody can read, is asked for alone."""
        numbers = ",".join(what.partition(":")[2] for what in whats)
        found = self.api.listed(call, "products", productId=numbers, limit=PAGE)
        told_of = {f"product:{text(product, 'id')}": product for product in groups(found, "items")}
        pages = {what: _stock_of(told_of[what]) for what in whats if what in told_of}
        return {what: page for what, page in pages.items() if page is not None}

    # --- lists --------------------------------------------------------------------------------------------------------

    def _until(self, what: str) -> int:
        return self.now_s() - (0 if what == "orders" else self.wait_ms // 1_000)

    def _poll(self, what: str, cursor: str, call: Call) -> Page:
        if what == "reminders":
            return self._reminders(cursor, call)
        walk = Walk.of(cursor, since=self.now_s() - BEGINS_BACK_S, until=self._until(what))
        page = self._list(what, walk, call)
        return page if page.again_in_ms is not None else replace(page, cursor=walk.end)

    def _list(self, what: str, walk: Walk, call: Call) -> Page:
        found = self.api.listed(call, what, **walk.asked)
        further = walk.past(found)
        things = tuple(told(what, thing) for thing in groups(found, "items"))
        return Page(News(), str(further or ""), 0 if further else None, things)

    def _reminders(self, cursor: str, call: Call) -> Page:
        """Carts about which Ecwid has mailed since it was asked last; that moment stands before the walk."""
        mailed_since, _, place = cursor.partition("/")
        now = self.now_s()
        walk = Walk.of(place, since=now - MAILED_WITHIN_S, until=now)
        found = self.api.listed(call, "carts", **walk.asked)
        since = iso_of(int(mailed_since)) if mailed_since else ""
        carts = tuple(told("carts", cart) for cart in groups(found, "items") if (_mailed(cart) or "") > since)
        further = walk.past(found)
        if further is not None:
            return Page(News(), f"{mailed_since}/{further}", 0, carts)
        return Page(News(), f"{walk.until - OVERLAP_S}/", deliveries=carts)

    # --- one thing ----------------------------------------------------------------------------------------------------

    def _thing(self, what: str, _: str, call: Call) -> Page:
        kind, _, name = what.partition(":")
        return self._told(kind, name, call)

    def _order(self, what: str, _: str, call: Call) -> Page:
        """``order:XJ12H``, or with the cart that it is known to have been: ``order:XJ12H:6626E60A-…``."""
        kind, name, cart = [*what.split(":", 2), ""][:3]
        return self._told(kind, name, call, cart)

    def _told(self, kind: str, name: str, call: Call, cart: str = "") -> Page:
        found = self.api.get(call, f"{kind}s", name)
        return Page(News(), deliveries=(told(f"{kind}s", found, cart),) if found else ())

    def _cart(self, what: str, cursor: str, call: Call) -> Page:
        """Ecwid advises to wait for the order: whoever pays at once leaves a cart for a moment only."""
        if not cursor and self.wait_ms:
            return Page(News(), "waited", self.wait_ms)
        return self._thing(what, cursor, call)

    def _request(self, what: str, _: str, call: Call) -> Page:
        kind, _, number = what.partition(":")
        return Page(News(requests=(from_request(kind, number, self.api.get(call, "customers", number)),)))

    def _gone(self, what: str, _: str, call: Call) -> Page:
        """A customer whom the shop is said to have deleted: only when they are really not there any more."""
        number = what.partition(":")[2]
        if self.api.get(call, "customers", number) is not None:
            return Page(News())
        return Page(News(requests=(from_request("removal", number, None),)))

    def _access(self, what: str, _: str, call: Call) -> Page:
        return Page(News(disconnected=not self._is_open(call)))

    def _store_removal(self, what: str, cursor: str, call: Call) -> Page:
        """Nobody has signed that a whole store is to be forgotten: it is, once our access has been gone for a day."""
        asked, closed = (int(part) for part in (cursor or "0|0").split("|"))
        closed = 0 if self._is_open(call) else closed + 1
        if closed == _CLOSED_TWICE:
            return Page(News(requests=(PrivacyRequest("erase_shop"),), disconnected=True))
        asked += 1
        return Page(News(), f"{asked}|{closed}", _DAY_MS if asked < _PATIENCE_DAYS else None)

    def _is_open(self, call: Call) -> bool:
        try:
            self.api.get(call, "profile")
        except NoAccess:
            return False
        return True


def _named(refs: tuple[str, ...], kind: str) -> str | None:
    return next((ref.split(":", 2)[2] for ref in refs if ref.startswith(f"ecwid:{kind}:")), None)


def _stock_of(product: Json) -> Page | None:
    try:
        return Page(News(events=tuple(from_product(product))))
    except Unreadable:
        return None


def _mailed(cart: Json) -> str | None:
    return date(cart, "recoveryEmailSentTimestamp")


def _cart_now(cart: Json) -> CartNow:
    if text(cart, "recoveredOrderId") or text(cart, "recoveredPublicUid"):
        return CartNow.ORDERED
    if cart.get("hidden") is True or not groups(cart, "items"):
        return CartNow.GONE
    return CartNow.MAILED if _mailed(cart) else CartNow.OPEN


def _order_now(order: Json) -> CartNow:
    return CartNow.OPEN if text(order, "paymentStatus") == "INCOMPLETE" else CartNow.ORDERED
