"""A moment before a mail about a cart leaves, the shop's platform is asked whether it was ordered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import structlog

from engine.cli import run
from engine.clock import HOUR, SECOND, Millis
from engine.deliver import Deliverer, lastword
from engine.http import Caller
from engine.links import Links
from engine.messages import DeliveryState
from engine.store import deliveries
from engine.store.unit import DELIVERIES, VISITORS
from engine.visitors import Visitor
from tests.builders import Hands
from tests.parts import SmtpServer
from tests.service.doors import cart_updated, environment_for, happened
from tests.service.platform import Answer, Api, PlatformDoor, open_platform_door

LOOPBACK = Caller(permit=lambda address: address.is_loopback, schemes=("http",))
AWAY = Answer(b"not JSON")
NAME = "parrot:cart:c1"


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The clock of deliveries, and of how long a platform has been silent."""
    still = Hands()
    monkeypatch.setattr(deliveries, "database_now", lambda connection: still())
    monkeypatch.setattr(lastword, "stopwatch", lambda: still() / SECOND)
    return still


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        yield opened


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api(says("open")) as opened:
        monkeypatch.setattr("integrations.parrot.API", opened.url)
        yield opened


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def worker(door: PlatformDoor, hands: Hands, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> Deliverer:
    monkeypatch.setenv("SMTP_URL", smtp.url)
    links = Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
    return Deliverer(door.engine, door.house.live, links, smtp.url, LOOPBACK)


def says(cart: str | None) -> Answer:
    return Answer(msgspec.json.encode({"cart": cart}))


def owed(door: PlatformDoor, hands: Hands, *refs: str, address: str = "anna@shopper.example") -> str:
    """A mail about a cart that was left two hours ago, and that the platform knows by these names."""
    consent = {"email": True, "text": "ja", "source": "checkout"}
    names = {"refs": list(refs)}
    before = {row.id for row in door.rows(DELIVERIES)}
    cart_id = f"cart-{len(before)}"
    given = happened("contact_given", ago=2 * HOUR, email=address, consent=consent)
    door.say(cart_updated(cart_id=cart_id, ago=2 * HOUR) | names, given | names)
    [new] = {str(row.id) for row in door.rows(DELIVERIES)} - before
    [row] = door.rows(DELIVERIES, id=new)
    hands.now = max(hands.now, Millis(row.due_at))
    return new


def record(door: PlatformDoor, delivery: str) -> tuple[str, str]:
    [row] = door.rows(DELIVERIES, id=delivery)
    return row.state, row.result


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cart", "result"),
    [
        ("ordered", "bought says parrot"),
        ("mailed", "reminded_by_others says parrot"),
        ("gone", "cart_emptied says parrot"),
    ],
)
def test_what_was_ordered_or_mailed_about_elsewhere_is_not_mailed(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api, smtp: SmtpServer, cart: str, result: str
) -> None:
    delivery = owed(door, hands, NAME)
    api.answers = [says(cart)]
    assert worker.deliver(delivery) is DeliveryState.CANCELLED
    assert record(door, delivery) == ("cancelled", result)
    assert smtp.mails == []


def test_where_carts_have_no_names_the_buyer_is_looked_for(
    door: PlatformDoor,
    hands: Hands,
    worker: Deliverer,
    api: Api,
    smtp: SmtpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = door.settings.rules / "ink.yaml"
    file.write_text(file.read_text().replace("integrations:\n", "integrations:\n  budgie: {}\n"))
    door.house.live.look_now()
    door.house.live.look_now()
    monkeypatch.setattr("integrations.budgie.API", api.url)
    delivery = owed(door, hands, "sparrow:cart:c1")
    [visitor] = door.rows(VISITORS)
    basket = msgspec.msgpack.decode(visitor.state, type=Visitor).basket
    assert basket is not None
    api.answers = [says("ordered")]
    assert worker.deliver(delivery) is DeliveryState.CANCELLED
    assert record(door, delivery) == ("cancelled", "bought says budgie")
    assert api.asked == [f"/buyers?email=anna@shopper.example&since={basket.progressed_at}"]
    assert smtp.mails == []


@pytest.mark.parametrize("cart", ["open", None])
def test_what_is_open_is_mailed_and_nothing_is_remarked(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api, smtp: SmtpServer, cart: str | None
) -> None:
    delivery = owed(door, hands, NAME, "parrot:checkout:k1")
    api.answers = [says(cart)]
    assert worker.deliver(delivery) is DeliveryState.SENT
    assert api.asked == ["/carts?names=parrot:cart:c1,parrot:checkout:k1"]
    assert "parrot" not in record(door, delivery)[1]
    assert len(smtp.wait_for_mails(1)) == 1


def test_a_cart_that_no_platform_knows_is_asked_about_nowhere(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api
) -> None:
    assert worker.deliver(owed(door, hands, "elsewhere:cart:c1")) is DeliveryState.SENT
    assert api.asked == []


def test_nobody_asks_about_a_mail_that_would_not_leave_anyway(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api
) -> None:
    delivery = owed(door, hands, NAME)
    door.say(happened("consent_changed", email="anna@shopper.example", consent={"email": False}) | {"refs": [NAME]})
    worker.deliver(delivery)
    assert record(door, delivery)[0] == "cancelled"
    assert api.asked == []


# --- when it does not say ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (AWAY, "not JSON"),
        (Answer(b"{}", 502), "the parrot answered 502"),
        (Answer(b"{}"), "asking broke: KeyError"),
        (says("no such word"), "asking broke: ValidationError"),
    ],
)
def test_a_mail_waits_for_a_platform_that_does_not_answer(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api, smtp: SmtpServer, answer: Answer, problem: str
) -> None:
    delivery = owed(door, hands, NAME)
    api.answers = [answer]
    assert worker.deliver(delivery) is DeliveryState.SCHEDULED
    state, result = record(door, delivery)
    assert (state, result.startswith(f"parrot did not say whether it was ordered: {problem}")) == ("scheduled", True)
    api.answers = [says("open")]
    hands.now += 30 * SECOND
    assert worker.deliver(delivery) is DeliveryState.SENT
    assert "parrot" not in record(door, delivery)[1]
    assert len(smtp.wait_for_mails(1)) == 1


def test_a_platform_that_wants_patience_gets_it(door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api) -> None:
    delivery = owed(door, hands, NAME)
    api.answers = [Answer(b"{}", 429, {"Retry-After": "7"})]
    worker.deliver(delivery)
    [row] = door.rows(DELIVERIES, id=delivery)
    assert (row.state, row.due_at - hands.now) == ("scheduled", 7 * SECOND)


def test_a_platform_that_did_not_answer_is_left_alone_for_a_while(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api
) -> None:
    one = owed(door, hands, NAME)
    two = owed(door, hands, "parrot:cart:c2", address="bea@shopper.example")
    api.answers = [AWAY]
    assert [worker.deliver(one), worker.deliver(two)] == [DeliveryState.SCHEDULED] * 2
    assert len(api.asked) == 1


def test_after_an_hour_of_silence_a_mail_leaves_and_its_record_says_so(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api, smtp: SmtpServer
) -> None:
    delivery = owed(door, hands, NAME)
    api.answers = [AWAY]
    began = hands.now
    while worker.deliver(delivery) is DeliveryState.SCHEDULED:
        [row] = door.rows(DELIVERIES, id=delivery)
        hands.now = Millis(row.due_at)
    assert hands.now - began == HOUR
    state, result = record(door, delivery)
    assert state == "sent"
    assert "; parrot did not say whether it was ordered: not JSON" in result
    assert len(smtp.wait_for_mails(1)) == 1


def test_a_platform_that_answers_again_is_waited_for_anew(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api
) -> None:
    one = owed(door, hands, NAME)
    api.answers = [AWAY, says("open"), AWAY]
    worker.deliver(one)
    hands.now += 2 * HOUR
    assert worker.deliver(one) is DeliveryState.SENT
    two = owed(door, hands, "parrot:cart:c2", address="bea@shopper.example")
    assert worker.deliver(two) is DeliveryState.SCHEDULED


def test_a_no_that_stays_is_not_waited_for(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = owed(door, hands, NAME)
    api.answers = [Answer(b"{}", 403)]
    assert worker.deliver(delivery) is DeliveryState.SENT
    assert "; parrot did not say whether it was ordered: the parrot answered 403" in record(door, delivery)[1]
    other = owed(door, hands, "parrot:cart:c2", address="bea@shopper.example")
    monkeypatch.delenv("PARROT_INK")
    links = Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
    forgetful = Deliverer(door.engine, door.house.live, links, None, LOOPBACK)
    assert forgetful.deliver(other) is DeliveryState.SENT
    assert "PARROT_INK" in record(door, other)[1]


def test_a_platform_that_takes_too_long_is_cut_off(
    door: PlatformDoor, hands: Hands, worker: Deliverer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = owed(door, hands, NAME)
    monkeypatch.setattr(lastword, "LOOK_S", 0.05)
    api.open_.clear()
    assert worker.deliver(delivery) is DeliveryState.SCHEDULED
    assert "parrot did not say whether it was ordered: " in record(door, delivery)[1]


def test_why_tells_what_became_of_a_mail_and_what_could_not_be_found_out(
    door: PlatformDoor,
    hands: Hands,
    worker: Deliverer,
    api: Api,
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    delivery = owed(door, hands, NAME)
    api.answers = [Answer(b"{}", 403)]
    worker.deliver(delivery)
    for name, value in environment_for(tmp_path, database_url).items():
        monkeypatch.setenv(name, value)
    [row] = door.rows(DELIVERIES, id=delivery)
    assert run(["why", row.visitor, "left", "--shop", "ink"]) == 0
    told = capsys.readouterr().out.split("\nMessages\n")[1]
    structlog.reset_defaults()  # the command tells its log to stderr
    assert " left: email sent (" in told
    assert "parrot did not say whether it was ordered: the parrot answered 403)" in told
