"""A shop at Lightspeed whose API is on loopback: webhooks come in, the clock asks, a worker delivers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from engine import integration
from engine.clock import DAY, Millis, to_iso
from engine.errands import Errands
from engine.intake import Intake, Outcome, Taken, open_platform
from engine.integration import RawRequest
from engine.live import LiveRules
from engine.store import budgets, errands
from engine.store.errands import ERRANDS
from engine.store.unit import DELIVERIES, VISITORS
from engine.visitors import Visitor
from integrations.lightspeed import Lightspeed, api
from tests.builders import SURPRISE, Premises, rule_set
from tests.service.webshopapp import LOOPBACK, Json, Webshopapp

BODIES = Path(__file__).parents[1] / "fixtures" / "integrations" / "lightspeed" / "bodies"
SECRETS = {"APP_SECRET": "hush-of-this-very-shop", "KEY": "key-of-the-shop", "SECRET": "secret-of-the-key"}
QUOTE, CUSTOMER, ORDER, PRODUCT, VARIANT = "50020002", "40010001", "60030003", "80050005", "90060006"
SUBSCRIPTION = "1100011"
WAITS = "name: waits\nwhen: [unpaid_order: 2h]\nthen: [tag: waits]"
NUDGE = "name: nearly\nwhen: [gap_to_free_shipping: '<= 20']\nthen: [nudge: 'Nog {gap}, en verzenden is gratis.']"
HEAD = """
shop:
  name: Vloei
  languages: [nl]
  currency: EUR
  cart_url: https://vloei.example/cart
integrations:
  lightspeed:
    app_secret: env:LIGHTSPEED_APP_SECRET
    api_key: env:LIGHTSPEED_KEY
    api_secret: env:LIGHTSPEED_SECRET
    script_key: pk_vloei
  smtp: {url: env:SMTP_URL, from: "Sanne van Vloei <sanne@vloei.example>"}
"""


def recorded(case: str) -> Json:
    """What a recorded delivery is about."""
    [thing] = json.loads((BODIES / f"{case}.json").read_bytes()).values()
    assert isinstance(thing, dict)
    return thing


def link(resource: str, name: str) -> Json:
    return {"resource": {"id": int(name), "url": f"{resource}/{name}"}}


def open_house(premises: Premises, webshop: Webshopapp, folder: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """The shop at the beginning of a day; its mails lead nowhere."""
    monkeypatch.setenv("SMTP_URL", "smtp://127.0.0.1:1")
    premises.hands.now -= premises.hands.now % DAY
    return House(premises, webshop, folder, monkeypatch)


class House:
    """The shop, and Lightspeed on the other end of the line."""

    def __init__(self, premises: Premises, webshop: Webshopapp, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.premises, self.webshop = premises, webshop
        monkeypatch.setattr(api, "ADDRESS", webshop.address)
        for module in (errands, budgets):
            monkeypatch.setattr(module, "database_now", lambda connection: premises.hands())
        for name, value in SECRETS.items():
            monkeypatch.setenv(f"LIGHTSPEED_{name}", value)
        self._file = folder / "rules.yaml"
        self.live_by(HEAD)

    def live_by(self, head: str, *rules: str) -> None:
        """The shop's rule file."""
        self.premises.use(rule_set(*(rules or (SURPRISE, WAITS, NUDGE)), head=head))
        self._file.write_text(self.premises.shop.rules.source, encoding="utf-8")
        platform = open_platform(self.premises.shop, "lightspeed")
        assert platform is not None
        self._platform = platform
        self.intake = Intake(self.premises.engine, self.premises.committer, self.premises.hands)
        self.live = LiveRules(self._file, self.premises.engine)
        self.restart()

    def restart(self) -> None:
        """A clock in a process of its own."""
        self.rung: list[str] = []
        self.clock = Errands(self.live, self.intake, self.rung.append, LOOPBACK)

    def lightspeed(self, **more: str) -> Lightspeed:
        """The integration by itself."""
        names = {"app_secret": "APP_SECRET", "api_key": "KEY", "api_secret": "SECRET"}
        stated = {name: f"env:LIGHTSPEED_{variable}" for name, variable in names.items()}
        environment = {f"LIGHTSPEED_{name}": value for name, value in SECRETS.items()}
        made = integration.create("lightspeed", stated | more, environment)
        assert isinstance(made, Lightspeed)
        return made

    # what Lightspeed has

    def has(self, place: str, kind: str, thing: Json, changes: Json | None = None, *, ago: Millis = 0) -> None:
        """Put it there as it was so long ago, with some of it changed."""
        at = to_iso(self.premises.hands.now - ago)
        self.webshop.things[place] = {kind: {"createdAt": at} | thing | {"updatedAt": at} | (changes or {})}

    def has_a_cart(self, changes: Json | None = None, *, ago: Millis = 0) -> None:
        """A cart of two headphones and its way of shipping, everything linked and nothing inside; its customer too."""
        self.has(f"quotes/{QUOTE}", "quote", recorded("quotes_updated"), changes, ago=ago)
        line: Json = {"id": 7, "quantity": 2, "priceIncl": 30, "product": link("products", PRODUCT)}
        line["variant"] = link("variants", VARIANT)
        self.webshop.things[f"quotes/{QUOTE}/products"] = {"quoteProducts": [line]}
        ways = [
            {"id": "core|10001|20002", "freeAbove": 75, "title": "PostNL", "priceIncl": 6.95, "tax": False},
            {"id": "core|10001|20003", "freeAbove": 1000000, "title": "Koerier", "priceIncl": "14.9500"},
            {"id": "core|10002|0", "freeAbove": 10, "title": "Afhalen", "priceIncl": 0},
        ]
        self.webshop.things[f"quotes/{QUOTE}/shippingmethods"] = {"quoteShippingmethods": ways}
        self.has(f"products/{PRODUCT}", "product", {"id": int(PRODUCT), "title": "Koptelefoon", "image": False})
        picture = {"src": "https://cdn.webshopapp.example/kt.png"}
        self.has(f"variants/{VARIANT}", "variant", recorded("variants_updated") | {"image": picture})
        self.has_a_customer()

    def has_a_customer(self) -> None:
        self.has(f"customers/{CUSTOMER}", "customer", recorded("customers_created"))

    def has_an_order(self, case: str = "orders_created", *, ago: Millis = 0) -> None:
        self.has(f"orders/{ORDER}", "order", recorded(case), ago=ago)

    # what happens there

    def subscribes(self) -> None:
        """Somebody reads the newsletter."""
        self.has(f"subscriptions/{SUBSCRIPTION}", "subscription", recorded("subscriptions_created"))
        self.delivers("subscriptions/created", recorded("subscriptions_created"))
        self.asks()

    def leaves_a_cart(self) -> None:
        self.has_a_cart()
        self.delivers("quotes/updated", recorded("quotes_updated"))
        self.asks()

    # what it says

    def delivers(self, topic: str, thing: Json, *, at: Millis | None = None) -> Taken:
        """One webhook, as PHP writes it."""
        kind = topic.partition("/")[0].removesuffix("s")
        moment = to_iso(self.premises.hands.now if at is None else at)
        told = {kind: {"createdAt": moment} | thing | {"updatedAt": moment}}
        raw = json.dumps(told, separators=(",", ":")).replace("/", "\\/").encode()
        signature = hashlib.md5(raw + SECRETS["APP_SECRET"].encode(), usedforsecurity=False).hexdigest()
        request = RawRequest({"x-signature": signature}, {"topic": topic}, raw)
        delivery = self._platform.receiver.admit(request)
        assert delivery is not None
        taken = self.intake.take(self._platform, delivery)
        assert taken.outcome is Outcome.ACCEPTED
        return taken

    def asks(self, *, polls: bool = False) -> None:
        """The clock goes round until nothing is due; without ``polls`` for what webhooks hinted at only."""
        if not polls:
            self._have_polls_wait()
        while self.clock.run():
            pass

    def _have_polls_wait(self) -> None:
        self.clock._plan()
        with self.premises.engine.begin() as connection:
            polls = ERRANDS.c.what.in_(Lightspeed.polls)
            connection.execute(ERRANDS.update().where(polls).values(due_at=self.premises.hands.now + 10**12))

    # what is known here

    def whose_cart(self) -> Visitor:
        """The one visitor who has a cart."""
        names = [str(row.id) for row in self.premises.rows(VISITORS)]
        states = [self.premises.visitor(name).state for name in names]
        [found] = [state for state in states if state.basket is not None]
        return found

    def look_again(self) -> None:
        """A timer rings for everybody."""
        self.premises.look_at(*(str(row.id) for row in self.premises.rows(VISITORS)))

    def mails(self) -> list[str]:
        """The states of all mails, once everybody was looked at."""
        self.look_again()
        return [str(row.state) for row in self.premises.rows(DELIVERIES, kind="email")]

    def who_waits(self) -> int:
        """How many have an order that waits for its payment, once everybody was looked at."""
        self.look_again()
        names = [str(row.id) for row in self.premises.rows(VISITORS)]
        return sum("waits" in self.premises.visitor(name).state.tags for name in names)
