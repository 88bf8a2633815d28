"""A shop on each of the four platforms that hears, asks, decides and mails about somebody with a canary's name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from engine.clock import HOUR
from engine.deliver import Deliverer
from engine.errands import Errands
from engine.intake import Intake
from engine.pipeline import Submission
from engine.settings import Settings
from engine.store import errands
from engine.store.errands import ERRANDS
from engine.store.unit import DELIVERIES, VISITORS
from integrations.lightspeed import api as lightspeed_api
from tests.builders import Hands
from tests.parts import SmtpServer
from tests.service import canaries
from tests.service.canaries import CART, CHECKOUT, CUSTOMER, MAIL, NAME, ORDER, Json, marked
from tests.service.doors import INK, Door, cart_updated, environment_for, happened, page_viewed, rule_file
from tests.service.ecwid_store import SECRET as ECWID_SECRET
from tests.service.ecwid_store import TOKEN, EcwidStore, date_of, its_order, left_cart, signature_of, webhook
from tests.service.platform import result_of
from tests.service.webshopapp import LOOPBACK, Webshopapp

RECORDED = Path(__file__).parents[1] / "fixtures" / "integrations"
SECRET = "hush-of-this-very-shop"
RULES = """
- name: greet
  when:
    - on_page: home
  then:
    - nudge: Hello
- name: left
  when:
    - cart_abandoned: 1h
    - can_email
  then:
    - tell_agent: "Left {total} behind."
    - tag: left
    - email: cart-reminder
    - wait: 3d
    - email: cart-reminder
- name: often
  when:
    - cart_abandoned: 1h
    - can_email
  then:
    - audience: left-behind
"""
LONG_AGO = 2 * HOUR


class CanaryShop(Door):
    """A running application whose shop sells on one platform; ``rung`` are the messages that became owed."""

    def __init__(self, settings: Settings, smtp: SmtpServer) -> None:
        super().__init__(settings)
        self.rung: list[str] = []
        self.smtp = smtp
        live = self.house.live
        self.clock = Errands(live, Intake(self.engine, self.house.committer), self.rung.append, LOOPBACK)
        self.deliverer = Deliverer(self.engine, live, self.house.links, smtp.url, platforms=LOOPBACK)

    # what happens on the pages

    def is_visited(self, *refs: str) -> None:
        """Her phone reads, searches, fills a cart and says who she is; her laptop too; a neighbour only has a cart."""
        consent = {"email": True, "marketing": True, "text": f"{NAME} says yes", "source": canaries.URL}
        given = {"email": MAIL, "name": NAME, "customer_id": str(CUSTOMER), "consent": consent, "phone": canaries.PHONE}
        sold_out = {"id": "p7", "sku": "SOLD-OUT", "name": "Seed", "stock": 0, "url": canaries.URL}
        page = {"url": canaries.URL, "title": NAME, "referrer": canaries.URL}
        cart = cart_updated(ago=LONG_AGO, cart_id=CART, note=canaries.NOTE) | ({"refs": list(refs)} if refs else {})
        visit = [
            page_viewed("/", ago=LONG_AGO),
            happened("page_viewed", ago=LONG_AGO, page=page),
            happened("searched", ago=LONG_AGO, query=NAME, results=0),
            happened("product_viewed", ago=LONG_AGO, product=sold_out),
            happened("form_abandoned", ago=LONG_AGO, form=canaries.STREET),
            happened("chat_started", ago=LONG_AGO, text=canaries.NOTE),
            happened("consent_changed", ago=LONG_AGO, consent=consent),
            happened("contact_given", ago=LONG_AGO, **given),
            cart,
            happened("own_note_left", ago=LONG_AGO, note=canaries.NOTE, ip=canaries.IP, agent=canaries.AGENT),
        ]
        browser = {"User-Agent": canaries.AGENT, "X-Forwarded-For": canaries.IP}
        for visitor in (canaries.PHONE_BROWSER, canaries.LAPTOP_BROWSER):
            answer = self.client.post(
                "/v1/events",
                data=json.dumps(
                    {"key": "pk_ink_pages", "visitor": visitor, "session": "s", "tab": "t", "events": visit}
                ),
                headers={"Origin": INK, "Content-Type": "text/plain", **browser},
            )
            assert answer.status_code == 202, answer.text
        self.send(page_viewed("/"), cart_updated(cart_id="neighbour-cart"), visitor="neighbour-1")
        consent = {"email": True, "text": "yes", "source": "checkout"}
        self.report(happened("contact_given", email="bob@neighbour.example", consent=consent, visitor="neighbour-1"))

    def looks_again(self) -> None:
        """A timer rings for everybody, and a worker brings the first of what is owed; the rest waits."""
        shop = self.house.live.shop("ink")
        assert shop is not None
        self.house.committer.commit(Submission(shop, rechecks=[str(row.id) for row in self.rows(VISITORS)]))

    def mails(self) -> None:
        for row in self.rows(DELIVERIES, kind="email"):
            self.deliverer.deliver(str(row.id))

    def asks(self) -> None:
        """The clock asks whatever is due."""
        while self.clock.run():
            pass

    def puts_off(self) -> None:
        """What is to be asked has failed, and waits for its hour."""
        later = self.later() + HOUR
        with self.engine.begin() as connection:
            connection.execute(update(ERRANDS).values(due_at=later, attempt=3, problem="the platform answered 500"))

    def later(self) -> int:
        return int(time.time() * 1_000)

    def knocks(self, path: str, body: bytes, headers: dict[str, str]) -> TestResponse:
        more = {"User-Agent": canaries.AGENT, "X-Forwarded-For": canaries.IP}
        return self.client.post(f"/hooks/{path}", data=body, headers=headers | more)


class Side(ABC):
    """A platform's side. ``stated`` are the shop's settings; ``refs`` how its pages name the cart."""

    name = ""
    stated: ClassVar[Json]
    refs: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []

    def tells(self, shop: CanaryShop, topic: str, body: Json) -> str:
        """One webhook; remembered, so that it may come again."""
        raw = json.dumps(body).encode()
        self.told.append((topic, raw))
        return self.delivers(shop, topic, raw)

    @abstractmethod
    def delivers(self, shop: CanaryShop, topic: str, raw: bytes) -> str:
        """One webhook as the platform sends it; returns what became of it."""

    @abstractmethod
    def happens(self, shop: CanaryShop) -> None:
        """Everything that it can tell about her, rightly and unreadably."""

    @abstractmethod
    def forgets(self, shop: CanaryShop) -> None:
        """It asks that she is forgotten."""

    def recorded(self, case: str) -> Json:
        body = marked(json.loads((RECORDED / self.name / "bodies" / f"{case}.json").read_bytes()))
        assert isinstance(body, dict)
        return body

    def tells_unreadably(self, shop: CanaryShop, topic: str, body: Json) -> None:
        assert self.tells(shop, topic, {"unreadable": body}) == "quarantined", topic


class Shopify(Side):
    name = "shopify"
    stated: ClassVar[Json] = {"shop": "voorbeeld.myshopify.com", "client_secret": "env:SIDE_SECRET"}
    refs = (f"shopify:cart:{CART}",)
    _SHORT = ("fulfillments/create", "fulfillments/update", "fulfillment_events/create", "refunds/create")

    def delivers(self, shop: CanaryShop, topic: str, raw: bytes) -> str:
        signature = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
        name = hashlib.sha256(topic.encode() + raw).hexdigest()
        named = {"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": name, "X-Shopify-Hmac-Sha256": signature}
        return result_of(shop.knocks("shopify/ink", raw, named))

    def happens(self, shop: CanaryShop) -> None:
        browser = {"name": "_shopbell_visitor", "value": canaries.PHONE_BROWSER}
        checkout = self.recorded("checkouts_update") | {"token": CHECKOUT, "name": f"#{CHECKOUT}"}
        cart = self.recorded("carts_update") | {"token": CART, "id": CART}
        order = self.recorded("orders_create") | {"id": ORDER, "order_number": ORDER, "cancelled_at": None}
        for topic, body in (
            ("checkouts/create", checkout | {"updated_at": checkout["created_at"]}),  # nobody's yet: a stand-in has it
            ("carts/update", cart),
            ("checkouts/update", checkout | {"note_attributes": [browser]}),
            ("checkouts/delete", self.recorded("checkouts_delete")),
            ("customers/update", self.recorded("customer_with_consent") | {"id": CUSTOMER}),
            ("customers_email_marketing_consent/update", self.recorded("subscribed")),
            ("customers_marketing_consent/update", self.recorded("sms_subscribed") | {"id": CUSTOMER}),
            ("customers_whats_app_marketing_consent/update", self.recorded("whatsapp_subscribed")),
        ):
            assert self.tells(shop, topic, body) == "accepted", topic
            self.tells_unreadably(shop, topic, body)
        shop.looks_again()
        shop.mails()
        for topic in ("create", "paid", "updated", "cancelled", "fulfilled"):
            assert self.tells(shop, f"orders/{topic}", order | {"tags": topic}) == "accepted"
        for topic in self._SHORT:
            body = self.recorded(topic.replace("/", "_"))
            assert self.tells(shop, topic, body) == "accepted", topic
            self.tells_unreadably(shop, topic, {name: value for name, value in body.items() if name != "email"})
        self.tells_unreadably(shop, "orders/updated", order)
        asked = self._request() | {"data_request": {"id": 9999}, "orders_requested": [ORDER]}
        assert self.tells(shop, "customers/data_request", asked) == "accepted"

    def forgets(self, shop: CanaryShop) -> None:
        assert self.delivers(shop, "customers/redact", json.dumps(self._request()).encode()) == "accepted"

    def _request(self) -> Json:
        customer = {"id": CUSTOMER, "email": MAIL.upper(), "phone": canaries.PHONE}
        own = {"shop_id": 954889, "shop_domain": "voorbeeld.myshopify.com"}
        return own | {"customer": customer, "orders_to_redact": [ORDER]}


class Lightspeed(Side):
    name = "lightspeed"
    stated: ClassVar[Json] = {
        "app_secret": "env:SIDE_SECRET", "api_key": "env:SIDE_KEY", "api_secret": "env:SIDE_SECRET"
    }  # fmt: skip
    refs = (f"lightspeed:cart:{CART}",)
    QUOTE = 99009900099

    def __init__(self, webshop: Webshopapp) -> None:
        super().__init__()
        self.webshop = webshop

    def delivers(self, shop: CanaryShop, topic: str, raw: bytes) -> str:
        signature = hashlib.md5(raw + SECRET.encode(), usedforsecurity=False).hexdigest()
        return result_of(shop.knocks(f"lightspeed/ink?topic={topic}", raw, {"x-signature": signature}))

    def _thing(self, case: str, name: int) -> Json:
        body = self.recorded(case)
        [(kind, thing)] = body.items()
        assert isinstance(thing, dict)
        thing["id"] = name
        numbered = json.dumps(thing).replace("40010001", str(CUSTOMER)).replace("50020002", str(self.QUOTE))
        return {kind: json.loads(numbered.replace("60030003", str(ORDER)))}

    def happens(self, shop: CanaryShop) -> None:
        quote, order = self._thing("quotes_updated", self.QUOTE), self._thing("orders_created", ORDER)
        customer = self._thing("customers_created", CUSTOMER)
        subscription = self._thing("subscriptions_created", 6600660066)
        lines: Json = {"quoteProducts": [{"id": 7, "quantity": 2, "priceIncl": 30, "productTitle": "Seed"}]}
        self.webshop.things |= {
            f"quotes/{self.QUOTE}": quote, f"quotes/{self.QUOTE}/products": lines,
            f"quotes/{self.QUOTE}/shippingmethods": {"quoteShippingmethods": []},
            f"orders/{ORDER}": order, f"customers/{CUSTOMER}": customer, "subscriptions/6600660066": subscription,
        }  # fmt: skip
        self.webshop.lists |= {each: lambda _: [] for each in ("orders", "quotes", "subscriptions", "customers")}
        self._tells_all(shop, [("quotes/updated", quote), ("customers/updated", customer),
                               ("subscriptions/updated", subscription)])  # fmt: skip
        shop.asks()
        shop.looks_again()
        shop.mails()
        self._tells_all(shop, [("orders/created", order), ("orders/paid", order)])
        shop.asks()
        self._tells_all(shop, [("orders/updated", order), ("quotes/created", quote), ("customers/created", customer)])
        shop.puts_off()

    def _tells_all(self, shop: CanaryShop, told: list[tuple[str, Json]]) -> None:
        for topic, body in told:
            assert self.tells(shop, topic, body) == "accepted", topic
            self.tells_unreadably(shop, topic, body)

    def forgets(self, shop: CanaryShop) -> None:
        gone = self._thing("customers_deleted", CUSTOMER)
        del self.webshop.things[f"customers/{CUSTOMER}"]
        self.tells_unreadably(shop, "customers/deleted", gone)
        assert self.delivers(shop, "customers/deleted", json.dumps(gone).encode()) == "accepted"
        shop.asks()


class Ecwid(Side):
    name = "ecwid"
    stated: ClassVar[Json] = {"store_id": "1003", "client_secret": "env:SIDE_ECWID", "token": "env:SIDE_TOKEN"}
    refs = (f"ecwid:cart:{CART}",)

    def __init__(self, store: EcwidStore, hands: Hands) -> None:
        super().__init__()
        self.store, self.hands = store, hands

    def delivers(self, shop: CanaryShop, topic: str, raw: bytes) -> str:
        told = json.loads(raw)
        headers = {"X-Ecwid-Webhook-Signature": signature_of(told, ECWID_SECRET)}
        return result_of(shop.knocks(f"ecwid/ink?eventtype={topic}", raw, headers))

    def happens(self, shop: CanaryShop) -> None:
        own = {"email": MAIL, "customerId": CUSTOMER, "ipAddress": canaries.IP, "orderComments": canaries.NOTE}
        cart = _about_her(left_cart(**own)) | {"cartId": CART}
        cart["shippingPerson"] = {"name": NAME, "street": canaries.STREET, "phone": canaries.PHONE, "countryCode": "NL"}
        customer: Json = {"id": CUSTOMER, "email": MAIL, "acceptMarketing": True, "updated": date_of(7_200)}
        customer |= {"billingPerson": {"name": NAME, "street": canaries.STREET}}
        self.store.there |= {f"carts/{CART}": cart, f"customers/{CUSTOMER}": customer}
        self._hints(shop, ("unfinished_order.created", -1, {"cartId": CART}), ("customer.updated", CUSTOMER, None))
        for _ in range(2):
            shop.asks()
            self.hands.now += 5 * 60_000
        shop.looks_again()
        shop.mails()
        order = its_order(**own, id=str(ORDER), internalId=ORDER, cartId=CART, paymentStatus="PAID")
        self.store.there[f"orders/{ORDER}"] = _about_her(order)
        self._hints(shop, ("order.created", ORDER, {"orderId": str(ORDER)}))
        shop.asks()
        self._hints(
            shop,
            ("order.updated", ORDER, {"orderId": str(ORDER)}),
            ("unfinished_order.updated", -1, {"cartId": CART}),
            ("customer.updated", CUSTOMER, None),
            ("customer.personalDataExportRequest", CUSTOMER, None),
        )
        self._puts_an_odd_answer_aside(shop)
        shop.puts_off()

    def _hints(self, shop: CanaryShop, *told: tuple[str, int, dict[str, str] | None]) -> None:
        for event, entity, data in told:
            assert self.tells(shop, event, webhook(event, entity, data=data)) == "accepted"
            beyond = webhook(event, entity, data=data) | {"entityId": MAIL, "data": {"orderId": MAIL, "cartId": MAIL}}
            assert self.tells(shop, event, beyond) == "quarantined"

    def _puts_an_odd_answer_aside(self, shop: CanaryShop) -> None:
        """What the API told and nobody could read is kept with its bytes, too."""
        customer: Json = dict(self.store.there[f"customers/{CUSTOMER}"])
        self.store.there["customers/5"] = _about_her(customer) | {"id": CUSTOMER, "updated": {"odd": NAME}}
        self._hints(shop, ("customer.updated", 5, None))
        shop.asks()
        del self.store.there["customers/5"]

    def forgets(self, shop: CanaryShop) -> None:
        told = webhook("customer.personalDataRemovalRequest", CUSTOMER)
        assert self.delivers(shop, str(told["eventType"]), json.dumps(told).encode()) == "accepted"
        shop.asks()


def _about_her(told: Json) -> Json:
    return told | {"referer": canaries.URL, "globalReferer": canaries.URL, "billingPerson": {"name": NAME}}


class WooCommerce(Side):
    name = "woocommerce"
    stated: ClassVar[Json] = {"webhook_secret": "env:SIDE_SECRET", "consent_meta": "_newsletter_optin"}
    refs = (f"woocommerce:checkout:wc_order_{CHECKOUT}",)

    def delivers(self, shop: CanaryShop, topic: str, raw: bytes) -> str:
        signature = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
        name = hashlib.sha256(topic.encode() + raw).hexdigest()
        named = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature, "X-WC-Webhook-Delivery-ID": name}
        return result_of(shop.knocks("woocommerce/ink", raw, named))

    def happens(self, shop: CanaryShop) -> None:
        meta = {"meta_data": [{"id": 1, "key": "_newsletter_optin", "value": "yes"}]}
        customer = self.recorded("customer_updated") | {"id": CUSTOMER} | meta
        assert self.tells(shop, "customer.updated", customer) == "accepted"
        self.tells_unreadably(shop, "customer.updated", customer)
        shop.looks_again()
        shop.mails()
        order = self.recorded("order_created") | {"id": ORDER, "number": str(ORDER)} | meta
        other = {name: value for name, value in order.items() if name != "customer_id"}
        for topic, body in (("order.created", other), ("order.updated", order | {"status": "completed"})):
            assert self.tells(shop, topic, body) == "accepted"
            self.tells_unreadably(shop, topic, body)
        short = {name: value for name, value in order.items() if name in ("id", "shipping", "customer_note")}
        self.tells_unreadably(shop, "order.updated", short)

    def forgets(self, shop: CanaryShop) -> None:
        """WooCommerce tells nobody: it is done by hand."""
        from engine.cli import run

        assert run(["erase", MAIL, "--shop", "ink", "--yes"]) == 0


@contextmanager
def sides(name: str, patch: pytest.MonkeyPatch) -> Iterator[Side]:
    """The platform's side, with its API on loopback where it is asked anything."""
    for variable, value in {"SECRET": SECRET, "KEY": "key", "ECWID": ECWID_SECRET, "TOKEN": TOKEN}.items():
        patch.setenv(f"SIDE_{variable}", value)
    if name == "ecwid":
        hands = Hands(int(time.time() * 1_000))
        patch.setattr(errands, "database_now", lambda connection: hands())
        with EcwidStore() as store:
            patch.setattr("integrations.ecwid.api.API", store.url)
            yield Ecwid(store, hands)
    elif name == "lightspeed":
        with Webshopapp() as webshop:
            patch.setattr(lightspeed_api, "ADDRESS", webshop.address)
            yield Lightspeed(webshop)
    else:
        yield {"shopify": Shopify, "woocommerce": WooCommerce}[name]()


Open = Callable[[str], tuple[CanaryShop, Side]]


@contextmanager
def canary_shop(
    name: str, folder: Path, database_url: str, redis_url: str, patch: pytest.MonkeyPatch
) -> Iterator[tuple[CanaryShop, Side]]:
    """A shop on this platform, over this database and this Valkey."""
    environment = environment_for(folder, database_url) | {"REDIS_URL": redis_url}
    for variable, value in environment.items():
        patch.setenv(variable, value)
    with sides(name, patch) as side, SmtpServer() as smtp:
        (folder / "rules").mkdir()
        text = rule_file("ink", INK, RULES).replace(
            "integrations:\n", f"integrations:\n  {name}: {json.dumps(side.stated)}\n"
        )
        (folder / "rules" / "ink.yaml").write_text(text)
        shop = CanaryShop(Settings.from_env(environment), smtp)
        try:
            yield shop, side
        finally:
            shop.close()
