"""A small Shopify storefront: pages with the app embed, the cart's AJAX API, Shopify's consent API, the app proxy."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

from tests.browser.house import House
from tests.parts import DEADLINE_S

BODIES = Path(__file__).parents[1] / "fixtures" / "integrations" / "shopify" / "bodies"
SHOP, SECRET = "vloei.myshopify.com", "hush-the-storefront"
Json = dict[str, Any]
Embed = Callable[[Json, dict[str, str]], str]

SHOPIFY = """
let said = SAID;
window.Shopify = {
  routes: { root: "/" },
  loadFeatures: (features, then) => {
    Shopify.customerPrivacy = {
      analyticsProcessingAllowed: () => said == "yes",
      marketingAllowed: () => false,
      currentVisitorConsent: () => ({ analytics: said, marketing: "" }),
    };
    then();
  },
};
const answersBanner = (yes) => {
  said = yes ? "yes" : "no";
  const detail = { analyticsAllowed: yes, marketingAllowed: false };
  document.dispatchEvent(new CustomEvent("visitorConsentCollected", { detail }));
};
const ask = (path, body) => fetch("/cart/" + path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
"""
"""What Shopify puts on every page, as far as it is used here; SAID is what the shopper has told its banner before."""
GOODS: dict[int, Json] = {
    49629325197634: {"title": "Mos", "variant": "30 ml", "product": 9684816101698, "price": 1450, "handle": "mos"},
    49629325230402: {
        "title": "Kobalt",
        "variant": "Default Title",
        "product": 96848,
        "price": 1995,
        "handle": "kobalt",
    },
}
MOS, KOBALT = GOODS


@dataclass
class Cart:
    """A cart of the theme. Its token has a key, as Shopify's have; ``currency`` is the shopper's."""

    token: str = field(default_factory=lambda: f"{secrets.token_hex(16)}?key={secrets.token_hex(16)}")
    lines: dict[int, int] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    def told(self, currency: str) -> Json:
        """The cart as ``/cart.js`` and ``{{ cart | json }}`` have it."""
        items = [_item(variant, quantity) for variant, quantity in self.lines.items()]
        total = sum(item["final_price"] * item["quantity"] for item in items)
        return {
            "token": self.token,
            "note": "for aunt Anna",
            "attributes": self.attributes,
            "original_total_price": total,
            "total_price": total,
            "total_discount": 0,
            "total_weight": 0,
            "item_count": sum(self.lines.values()),
            "items": items,
            "requires_shipping": True,
            "currency": currency,
            "items_subtotal_price": total,
            "cart_level_discount_applications": [],
        }


def _item(variant: int, quantity: int) -> Json:
    goods = GOODS[variant]
    price = goods["price"]
    return {
        "id": variant,
        "properties": {},
        "quantity": quantity,
        "variant_id": variant,
        "title": goods["title"],
        "price": price,
        "original_price": price,
        "presentment_price": price / 100,
        "discounted_price": price,
        "line_price": price * quantity,
        "sku": f"SKU-{goods['handle']}",
        "vendor": "Vloei",
        "product_id": goods["product"],
        "final_price": price,
        "final_line_price": price * quantity,
        "url": f"/products/{goods['handle']}?variant={variant}",
        "image": f"https://cdn.shopify.example/{goods['handle']}.jpg",
        "product_type": "Ink",
        "product_title": goods["title"],
        "variant_title": goods["variant"],
        "line_level_total_discount": 0,
    }


class Asked(NamedTuple):
    """A request: the cart of the browser that made it, what it asked for, and from which page."""

    cart: str
    what: str
    page: str


@dataclass
class Theme:
    """What the storefront shows, and what was asked of it. A cart belongs to a browser, by its cookie.

    ``pages`` are those that have nothing to do with Shopify, by their path.
    """

    origin: str
    house: str = ""
    embed: Embed = lambda _page, _settings: ""
    settings: dict[str, str] = field(default_factory=dict)
    said: str = ""
    customer: str = ""
    currency: str = "EUR"
    keeps_attributes: bool = True
    pages: dict[str, str] = field(default_factory=dict)
    carts: dict[str, Cart] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, path: str, cart: Cart) -> str:
        """A page of the theme, with the app embed in its head."""
        kind = {"": "index", "products": "product", "cart": "cart", "pages": "page"}.get(path.split("/")[1], "404")
        told = cart.told(self.currency)
        view = {
            "request": {"page_type": kind, "locale": {"iso_code": "nl"}},
            "page": {"handle": path.rpartition("/")[2]},
            "cart": told if told["items"] else {"item_count": 0},
        }
        head = self.embed(view, {"server": self.house, "key": "pk_demo", **self.settings})
        shopify = SHOPIFY.replace("SAID", json.dumps(self.said))
        return (
            '<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>Vloei</title>'
            '<link rel="icon" href="data:,">'
            f"<script>{shopify}</script>{head}</head><body><h1>{kind}</h1></body></html>"
        )

    def change(self, what: str, cart: Cart, body: Json) -> Json:
        """One of the AJAX API's calls."""
        if what == "add.js":
            for item in body["items"]:
                variant = int(item["id"])
                cart.lines[variant] = cart.lines.get(variant, 0) + item["quantity"]
        elif what == "change.js":
            cart.lines[int(body["id"])] = body["quantity"]
        elif what == "clear.js":
            cart.lines.clear()
        elif self.keeps_attributes:
            cart.attributes = {k: v for k, v in (cart.attributes | body["attributes"]).items() if v}
        cart.lines = {variant: quantity for variant, quantity in cart.lines.items() if quantity}
        return cart.told(self.currency)

    def pass_on(self, method: str, path: str, body: bytes, address: str) -> tuple[int, bytes]:
        """What the app proxy does with ``/apps/shopbell/…``."""
        told = {
            "shop": SHOP,
            "logged_in_customer_id": self.customer,
            "path_prefix": "/apps/shopbell",
            "timestamp": str(int(time.time())),
        }
        message = "".join(sorted(f"{name}={value}" for name, value in told.items()))
        told["signature"] = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
        url = f"{self.house}/proxy/shopify/main{path.removeprefix('/apps/shopbell')}?{urlencode(told)}"
        headers = {"Content-Type": "text/plain;charset=UTF-8", "X-Forwarded-For": address}
        try:
            with urlopen(Request(url, body or None, headers, method=method), timeout=DEADLINE_S) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()


class Handler(BaseHTTPRequestHandler):
    """Answers for the theme."""

    theme: Theme
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Says nothing."""

    def do_GET(self) -> None:
        """A page, the cart, or what the app proxy passes on."""
        self._answer(b"")

    def do_POST(self) -> None:
        """A change of the cart, or events."""
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        path = urlsplit(self.path).path
        name, cart = self._cart()
        with self.theme.lock:
            page = urlsplit(self.headers.get("Referer", "")).path
            self.theme.asked.append(Asked(name, f"{self.command} {path}", page))
        if path.startswith("/apps/shopbell/"):
            status, answer = self.theme.pass_on(self.command, path, body, self.client_address[0])
            return self._send(status, "application/json", answer, "")
        if path == "/cart.js":
            return self._send(200, "text/javascript", json.dumps(cart.told(self.theme.currency)).encode(), name)
        if path.startswith("/cart/"):
            with self.theme.lock:
                told = self.theme.change(path.removeprefix("/cart/"), cart, json.loads(body or b"{}"))
            return self._send(200, "text/javascript", json.dumps(told).encode(), name)
        html = self.theme.pages.get(path) or self.theme.page(path, cart)
        return self._send(200, "text/html", html.encode(), name)

    def _cart(self) -> tuple[str, Cart]:
        """The browser's cart, by its cookie."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("cart")
        name = cookie.value if cookie else secrets.token_hex(8)
        with self.theme.lock:
            return name, self.theme.carts.setdefault(name, Cart())

    def _send(self, status: int, kind: str, body: bytes, cart: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if cart:
            self.send_header("Set-Cookie", f"cart={cart};path=/")
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Lets go of a browser that has closed already."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A page that was left closes its connections: nothing to report."""


def serve(theme: Theme, port: int) -> Server:
    """Answers at once, on this loopback port."""
    server = Server(("127.0.0.1", port), type("BoundHandler", (Handler,), {"theme": theme}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def deliver(house: House, topic: str, body: Json) -> str:
    """A webhook of the shop, as Shopify sends it."""
    raw = json.dumps(body).encode()
    signed = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
    told = {"Topic": topic, "Hmac-Sha256": signed, "Shop-Domain": SHOP, "Webhook-Id": str(uuid4())}
    headers = {f"X-Shopify-{name}": value for name, value in told.items()}
    with urlopen(Request(f"{house.address}/hooks/shopify/main", raw, headers), timeout=DEADLINE_S) as answer:
        return str(json.loads(answer.read())["result"])


def order_of(cart: Cart, number: int) -> Json:
    """The order that Shopify makes of the cart: its attributes are the order's notes, its token has no key."""
    body: Json = json.loads((BODIES / "order_of_the_checkout.json").read_text())
    notes = [{"name": name, "value": value} for name, value in cart.attributes.items()]
    named = {"cart_token": cart.token.partition("?")[0], "checkout_token": uuid4().hex, "note_attributes": notes}
    return body | named | {"id": number, "email": f"{uuid4().hex}@shopper.example"}
