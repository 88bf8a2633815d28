"""Something changes between the decision and the last byte: whoever bought, left or said no is not mailed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from engine.links import Links
from tests.parts import DEADLINE_S
from tests.service.faulty_smtp import WAITS, FaultySmtp
from tests.service.house import House, Shopper, open_house, rules, wait_until

Change = Callable[[House, Shopper, str], None]


def orders_on_another_device(house: House, shopper: Shopper, key: str) -> None:
    """The same address at a checkout in another browser, which knows nothing of the first one's cart."""
    other = Shopper(shopper.email)
    assert house.post(other.visitor, other.fills_cart(), other.orders(), key=key).status == 202


def unsubscribes(house: House, shopper: Shopper, key: str) -> None:
    """The button in the mail program: a POST to the address in an earlier mail's List-Unsubscribe."""
    del key
    (row,) = house.deliveries(shopper)
    links = Links(house.settings.secret_key, house.settings.public_url)
    path = links.unsubscribe(row.shop, row.person, "an-earlier-mail").removeprefix(house.settings.public_url)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert house.request("POST", path, b"List-Unsubscribe=One-Click", form, DEADLINE_S).status == 200


def empties_the_cart(house: House, shopper: Shopper, key: str) -> None:
    assert house.post(shopper.visitor, shopper.empties_cart(), key=key).status == 202


CHANGES: dict[str, tuple[Change, str]] = {
    "orders on another device": (orders_on_another_device, "bought"),
    "unsubscribes": (unsubscribes, "unsubscribed"),
    "empties the cart": (empties_the_cart, "cart_emptied"),
}


def now_is_night() -> str:
    """Quiet hours that began an hour ago."""
    now = datetime.now(UTC).astimezone(ZoneInfo("Europe/Amsterdam"))
    return f'quiet_hours: "{now - timedelta(hours=1):%H}:00-{now + timedelta(hours=3):%H}:00"'


@pytest.fixture(scope="module")
def smtp() -> Iterator[FaultySmtp]:
    with FaultySmtp() as server:
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, smtp: FaultySmtp) -> Iterator[House]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("last-look")
        night = rules("night", extra=now_is_night())
        url = f"sqlite:///{folder / 'shopbell.db'}"
        house = stack.enter_context(open_house(folder, url, smtp.url, night))
        house.opens_for("night")
        yield house


def is_cancelled(house: House, smtp: FaultySmtp, shopper: Shopper, reason: str) -> None:
    house.wait_for_state(shopper, "cancelled", "sent", "uncertain", "failed")
    assert (house.state_of(shopper), house.result_of(shopper)) == ("cancelled", reason)
    assert smtp.mails_to(shopper.email) == []


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_mail_that_waits_for_the_morning_is_cancelled(
    house: House, smtp: FaultySmtp, change: Change, reason: str
) -> None:
    shopper = Shopper(f"{uuid4().hex[:12]}@mail.example")
    house.leaves_cart(shopper, key="pk_night")
    wait_until(lambda: house.state_of(shopper) == "scheduled", "a mail that waits")
    change(house, shopper, "pk_night")
    house.is_due_now(shopper)
    is_cancelled(house, smtp, shopper, reason)


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_mail_that_the_relay_put_off_is_cancelled(
    house: House, smtp: FaultySmtp, change: Change, reason: str
) -> None:
    shopper = Shopper(f"{uuid4().hex[:12]}@mail.example")
    smtp.scripts[shopper.email] = {"RCPT": "451 4.7.1 greylisted"}
    house.leaves_cart(shopper)
    wait_until(lambda: any(row.result for row in house.deliveries(shopper)), "a first attempt")
    change(house, shopper, "pk_demo")
    house.is_due_now(shopper)
    is_cancelled(house, smtp, shopper, reason)


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_mail_that_is_being_handed_over_stops_before_its_last_byte(
    house: House, smtp: FaultySmtp, change: Change, reason: str
) -> None:
    shopper = Shopper(f"{uuid4().hex[:12]}@mail.example")
    smtp.scripts[shopper.email] = {"RCPT": WAITS}
    smtp.gate.clear()
    house.leaves_cart(shopper)
    assert smtp.waiting.acquire(timeout=DEADLINE_S)
    change(house, shopper, "pk_demo")
    smtp.gate.set()
    smtp.wait_for_goodbyes(smtp.connections)
    is_cancelled(house, smtp, shopper, reason)
