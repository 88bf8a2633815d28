"""Lightspeed's REST API, as far as Shopbell asks it; a key takes so many calls in five minutes, an hour and a day."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, TypeVar

from flask import Flask, Response, jsonify, request

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis, from_datetime
from simulator.platforms.lightspeed import bodies
from simulator.platforms.lightspeed.bodies import Json
from simulator.platforms.lightspeed.registered import registered
from simulator.subscriptions import Hooks
from simulator.world import Checkout, Order, Stocked, World

API_KEY: Final = "d0c2f3a4b5968778695a4b3c2d1e0f10"
API_SECRET: Final = "a-secret-of-nobodys-key"  # noqa: S105 - of a shop that is not there
LIMITS: Final = {"limit5Min": (5 * MINUTE, 300), "limitHour": (HOUR, 3_000), "limitDay": (DAY, 12_000)}
T = TypeVar("T", Checkout, Order, Stocked)


class Meter:
    """The calls of the one key there is, in windows that begin at whole multiples of their length."""

    def __init__(self, clock: Callable[[], Millis]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._used: dict[str, tuple[Millis, int]] = {}

    def count(self) -> bool:
        """Count a call; False when there was none left."""
        with self._lock:
            now = self._clock()
            used = {name: self._used_of(name, now) for name in LIMITS}
            if any(used[name] >= most for name, (_, most) in LIMITS.items()):
                return False
            self._used = {name: (now // lasts, used[name] + 1) for name, (lasts, _) in LIMITS.items()}
            return True

    def told(self) -> dict[str, Json]:
        """Each window as ``account/ratelimit`` has it."""
        with self._lock:
            now = self._clock()
            return {name: self._window(name, now) for name in LIMITS}

    def _used_of(self, name: str, now: Millis) -> int:
        window, used = self._used.get(name, (0, 0))
        return used if window == now // LIMITS[name][0] else 0

    def _window(self, name: str, now: Millis) -> Json:
        lasts, most = LIMITS[name]
        ends_at = (now // lasts + 1) * lasts
        left = {"limit": most, "remaining": most - self._used_of(name, now)}
        return left | {"reset": -(-(ends_at - now) // SECOND), "resetTime": bodies.moment(ends_at)}


def create_api(world: World, hooks: Hooks, clock: Callable[[], Millis]) -> Flask:
    """The API of the one shop there is."""
    app, meter, shown = Flask("lightspeed"), Meter(clock), _Shown(world)

    @app.before_request
    def know_the_key() -> tuple[Response, int] | None:
        right = base64.b64encode(f"{API_KEY}:{API_SECRET}".encode()).decode()
        if request.host != bodies.HOST or request.headers.get("Authorization") != f"Basic {right}":
            return _error(401, "Unauthorized")
        return None if meter.count() else _error(429, "Too Many Requests")

    @app.after_request
    def tell_what_is_left(response: Response) -> Response:
        windows = meter.told().values()
        for header, name in (("Limit", "limit"), ("Remaining", "remaining"), ("Reset", "reset")):
            response.headers[f"X-RateLimit-{header}"] = "/".join(str(window[name]) for window in windows)
        response.headers["Date"] = format_datetime(datetime.fromtimestamp(clock() / 1000, tz=UTC), usegmt=True)
        return response

    @app.get("/nl/account/ratelimit.json")
    def ratelimit() -> Response:
        return jsonify(accountRatelimit=meter.told())

    @app.get("/nl/<resource>.json")
    def listed(resource: str) -> Response | tuple[Response, int]:
        found = shown.all_of(resource)
        return _error(404, "Not Found") if found is None else jsonify({resource: found})

    app.register_blueprint(registered(hooks))

    @app.get("/<any(nl, us, en):language>/<path:place>.json")
    def one(language: str, place: str) -> Response | tuple[Response, int]:
        found = shown.at(place.split("/"), language)
        return _error(404, "Not Found") if found is None else jsonify(found)

    return app


def _error(status: int, message: str) -> tuple[Response, int]:
    return jsonify(error={"code": status, "message": message}), status


def _of_customer(orders: list[Order]) -> list[Order]:
    wanted = request.args.get("customer", "")
    return [order for order in orders if wanted in ("", str(bodies.customer_id(order.checkout.shopper)))]


def _page(rows: list[T]) -> list[T]:
    """What has changed or was made since, the newest first, so many of them."""
    changed, made = (_moment(request.args.get(f"{name}_at_min", "")) for name in ("updated", "created"))
    found = [row for row in rows if row.changed_at // SECOND * SECOND >= changed and _made_at(row) >= made]
    found.sort(key=_made_at, reverse=True)
    size, page = int(request.args.get("limit", "50")), int(request.args.get("page", "1"))
    return found[(page - 1) * size : page * size]


def _made_at(row: Checkout | Order | Stocked) -> Millis:
    if isinstance(row, Stocked):
        return row.product.number
    return row.began_at if isinstance(row, Checkout) else row.placed_at


def _moment(told: str) -> Millis:
    return from_datetime(datetime.fromisoformat(told)) if told else 0


class _Shown:
    """One thing of the world at a time; what it shows the world is told."""

    def __init__(self, world: World) -> None:
        self._world = world

    def at(self, place: list[str], language: str) -> Json | None:
        """What lies there; None for what is not there, or not any more. Only products have names in each language."""
        match place:
            case ["quotes", name]:
                return self._quote(name)
            case ["quotes", name, "products"]:
                return self._of_quote(name, "quoteProducts", bodies.quote_products)
            case ["quotes", name, "shippingmethods"]:
                return self._of_quote(name, "quoteShippingmethods", bodies.ways)
            case ["orders", name]:
                found = next((each for each in self._world.orders() if str(bodies.order_id(each)) == name), None)
                return None if found is None else {"order": self.order(found)}
            case ["customers" | "subscriptions", _]:
                return self._somebody(*place)
            case ["products" | "variants" as resource, name]:
                return self._goods(resource, name, language)
        return None

    def all_of(self, resource: str) -> list[Json] | None:
        """A page of the list of these, as the request wants it; None where there is no such list."""
        match resource:
            case "quotes":
                return [self.listed(checkout) for checkout in _page(self._world.checkouts())]
            case "subscriptions":
                return [told for checkout in _page(self._world.checkouts()) if (told := self.subscription(checkout))]
            case "orders":
                return [self.order(order) for order in _page(_of_customer(self._world.orders()))]
            case "variants":
                return [self.variant(stocked) for stocked in _page(self._world.stock())]
            case "customers":
                return self.customers(request.args.get("email", ""))
        return None

    def order(self, order: Order) -> Json:
        self._world.note_shown(f"order:{order.checkout.number}", order.changed_at)
        return bodies.order(order)

    def listed(self, checkout: Checkout) -> Json:
        """As the list has it: without its goods, so that only one without any is shown whole."""
        if not checkout.lines:
            self._world.note_shown(f"checkout:{checkout.number}", checkout.changed_at)
        return bodies.quote(checkout)

    def _quote(self, name: str) -> Json | None:
        checkout = self._checkout(name)
        if checkout is None:
            return None
        self._world.note_shown(f"checkout:{checkout.number}", checkout.changed_at)
        return {"quote": bodies.quote(checkout)}

    def _of_quote(self, name: str, word: str, body: Callable[[Checkout], list[Json]]) -> Json | None:
        checkout = self._checkout(name)
        return None if checkout is None else {word: body(checkout)}

    def _checkout(self, name: str) -> Checkout | None:
        return next((each for each in self._world.checkouts() if str(bodies.quote_id(each)) == name), None)

    def _goods(self, resource: str, name: str, language: str) -> Json | None:
        for stocked in self._world.stock():
            if resource == "products" and str(bodies.product_id(stocked.product)) == name:
                return {"product": bodies.product(stocked.product, language)}
            if resource == "variants" and str(bodies.variant_id(stocked.product)) == name:
                return {"variant": self.variant(stocked)}
        return None

    def variant(self, stocked: Stocked) -> Json:
        return bodies.variant(self._world.show_stock(stocked))

    def customers(self, email: str) -> list[Json]:
        """Whoever has left an address at a checkout; with one address, whoever has that."""
        told = [checkout for checkout in self._world.checkouts() if checkout.contact_left]
        wanted = [checkout for checkout in told if email in ("", checkout.shopper.email)]
        return [bodies.customer(checkout.shopper, checkout.changed_at) for checkout in wanted]

    def _somebody(self, resource: str, name: str) -> Json | None:
        """Who has left an address; who has not taken their consent back."""
        for checkout in self._world.checkouts():
            shopper = checkout.shopper
            if resource == "customers" and str(bodies.customer_id(shopper)) == name and checkout.contact_left:
                return {"customer": bodies.customer(shopper, checkout.changed_at)}
            if resource == "subscriptions" and str(bodies.subscription_id(shopper)) == name:
                told = self.subscription(checkout)
                return None if told is None else {"subscription": told}
        return None

    def subscription(self, checkout: Checkout) -> Json | None:
        """That of whoever ticked the box with their address, and has not taken it back."""
        if not (checkout.contact_left and self._world.allows_mail(checkout.shopper)):
            return None
        return bodies.subscription(checkout.shopper, checkout.began_at)
