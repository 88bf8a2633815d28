"""An Ecwid store: its API on loopback, with a token, and its webhooks as they come over the wire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from engine.integration import Json

SECRET, TOKEN = "hush-of-this-very-store", "secret_of-this-very-store"
CART = "6626E60A-A6F9-4CD5-8230-43D5F162E0CD"
ADDRESS = "sanne.devries@example.nl"
_numbers = count(1)


class EcwidStore:
    """What stands in the store, by its address (``carts/6626E60A-…``); ``refuse_with`` is answered instead of it."""

    def __init__(self) -> None:
        self.there: dict[str, Json] = {"profile": {"generalInfo": {"storeId": 1003}}}
        self.asked: list[str] = []
        self.refuse_with: tuple[int, dict[str, str]] | None = None
        store = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, headers = store.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads along."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/v3"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def answer(self, path: str, authorization: str) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(path)
        self.asked.append(parts.path.removeprefix("/api/v3/1003/"))
        if self.refuse_with is not None:
            return self.refuse_with[0], b"{}", self.refuse_with[1]
        if authorization != f"Bearer {TOKEN}" or not parts.path.startswith("/api/v3/1003/"):
            return 403, b"{}", {}
        name = unquote(parts.path.removeprefix("/api/v3/1003/"))
        if name in ("carts", "orders"):
            return 200, msgspec.json.encode(self._list(name, parse_qs(parts.query))), {}
        if name == "products":
            wanted = [f"products/{number}" for number in parse_qs(parts.query)["productId"][0].split(",")]
            return 200, msgspec.json.encode({"items": [self.there[each] for each in wanted if each in self.there]}), {}
        told = self.there.get(name)
        return (404, b"{}", {}) if told is None else (200, msgspec.json.encode(told), {})

    def _list(self, kind: str, asked: dict[str, list[str]]) -> Json:
        since, until = int(asked["updatedFrom"][0]), int(asked["updatedTo"][0])
        changed = [told for name, told in self.there.items() if name.startswith(f"{kind}/")]
        items = [told for told in changed if since <= int(str(told["updateTimestamp"])) <= until]
        return {"total": len(items), "count": len(items), "offset": 0, "items": items}

    def __enter__(self) -> EcwidStore:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def left_cart(ago_s: int = 7_200, /, **changes: object) -> Json:
    """A cart that was left at 6.95 for shipping, so long ago."""
    now = int(time.time())
    told: Json = {
        "cartId": CART,
        "email": ADDRESS,
        "customerId": 5001,
        "acceptMarketing": True,
        "lang": "nl",
        "createTimestamp": now - ago_s - 60,
        "updateTimestamp": now - ago_s,
        "pricesIncludeTax": True,
        "subtotal": 30.0,
        "total": 36.95,
        "items": [{"productId": 7, "sku": "KT-01", "name": "Koptelefoon", "quantity": 1, "price": 30.0}],
        "shippingPerson": {"name": "Sanne de Vries", "countryCode": "NL"},
        "shippingOption": {"shippingMethodName": "PostNL", "shippingRate": 6.95},
    }
    return told | changes


def its_order(ago_s: int = 60, /, **changes: object) -> Json:
    """The order that became of it, so long ago."""
    now = int(time.time())
    own: Json = {
        "id": "XJ12H",
        "internalId": 103878161,
        "paymentStatus": "AWAITING_PAYMENT",
        "fulfillmentStatus": "AWAITING_PROCESSING",
        "createTimestamp": now - ago_s,
        "updateTimestamp": now - ago_s,
    }
    told = left_cart()
    del told["cartId"]
    return told | own | changes


def date_of(ago_s: int) -> str:
    """A moment so long ago, as Ecwid writes dates."""
    return time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(time.time() - ago_s))


def webhook(event: str, entity: object = 5001, *, ago_s: int = 0, data: dict[str, str] | None = None) -> Json:
    """A webhook's body, made so long ago."""
    told: Json = {
        "eventId": f"80aece08-40e8-4145-8764-{next(_numbers):012d}",
        "eventCreated": int(time.time()) - ago_s,
        "storeId": 1003,
        "entityId": entity,
        "eventType": event,
    }
    return told | ({"data": data} if data else {})


def signature_of(told: Json, secret: str = SECRET) -> str:
    signed = f"{told['eventCreated']}.{told['eventId']}".encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
