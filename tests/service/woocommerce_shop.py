"""A WooCommerce shop as it tells its life: recorded bodies, moved to now and signed as the shop signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

from engine.clock import HOUR, MINUTE, Millis, to_iso
from engine.intake import Outcome
from tests.builders import Premises, cart
from tests.service.story import Storyteller

BODIES = Path(__file__).parents[1] / "fixtures" / "integrations" / "woocommerce" / "bodies"
SECRET = "hush-of-this-very-shop"
ADDRESS = "zoe.devries@example.nl"
Body = dict[str, object]


def signed(raw: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


def recorded(case: str) -> bytes:
    return (BODIES / f"{case}.json").read_bytes()


class Shop(Storyteller):
    """The shop, with WooCommerce on the other end of the line; ``delivers`` sends one webhook."""

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, "woocommerce")

    def delivers(self, topic: str, body: Body) -> Outcome:
        raw = json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()
        return self.hears(raw, {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": signed(raw)}, {})

    def told(self, case: str, *, ago: Millis = 0, **changes: object) -> Body:
        """A recorded body as it was so long ago, by UTC and by a shop's clock in Tokyo, with some of it changed."""
        body: Body = json.loads(recorded(case))
        now = self.premises.hands.now - ago
        for name in ("date_created", "date_modified", "date_paid", "date_completed"):
            if body.get(f"{name}_gmt"):
                body |= {f"{name}_gmt": to_iso(now)[:19], name: to_iso(now + 9 * HOUR)[:19]}
        return body | changes

    def fills_cart_on_the_page(self) -> None:
        """Somebody who may be mailed fills a cart, and sees what shipping costs."""
        line: Body = {"sku": "THEE-1", "name": "Thee", "quantity": 2, "price": "15.00"}
        consent: Body = {"email": True, "text": "Ja", "source": "footer"}
        self.premises.post("contact_given", "v1", email=ADDRESS, consent=consent)
        self.premises.post("cart_updated", "v1", cart=cart(line, cart_id=None))
        self.premises.later(MINUTE)
        self.premises.post("shipping_shown", "v1", shipping={"price": "6.95", "currency": "EUR"})
