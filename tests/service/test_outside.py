"""What leaves for other systems and what comes back from a mail, over a real database."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis
from engine.decisions import Guard
from engine.deliver import GIVE_UP_AFTER, Deliverer
from engine.explain import why
from engine.links import Links, SurveyClaim
from engine.live import LiveRules
from engine.messages import DeliveryState
from engine.store import looks, rule_sets
from engine.store.database import commit_begins, reading
from engine.store.unit import AUDIENCES, DECISIONS, DELIVERIES, OUTCOMES, VISITORS
from engine.web.actions import SqlLinkActions
from tests.builders import KB, LEFT, STUCK, Premises, cart, line, rule_set, wait_until, with_lines
from tests.parts import DEADLINE_S
from tests.service.test_calls import OPEN, says, serve

SECRET = "a secret that both sides know"
HOOK = "name: hook\nwhen: [on_page: faq]\nthen:\n  - webhook: {url: https://crm.example/hook, secret: env:CRM_SECRET}"
FAQ = {"url": "https://shop.example/faq"}
serving = contextmanager(serve)


@pytest.fixture
def deliverer(premises: Premises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deliverer:
    monkeypatch.setenv("CRM_SECRET", SECRET)
    return use(premises, tmp_path, HOOK)


def use(premises: Premises, folder: Path, *rules: str, smtp_url: str | None = None) -> Deliverer:
    """A worker and a door that both live by these rules."""
    premises.use(rule_set(*rules))
    file = folder / "rules.yaml"
    file.write_text(premises.shop.rules.source, encoding="utf-8")
    links = Links("a-key-that-only-the-tests-know-of", "http://127.0.0.1:1")
    return Deliverer(premises.engine, LiveRules(file, premises.engine), links, smtp_url, OPEN)


def hooked(premises: Premises, url: str) -> str:
    """The id of a webhook that is owed, to an address of this machine."""
    (delivery,) = premises.post("page_viewed", page=FAQ).hints
    with premises.engine.begin() as connection:
        (row,) = premises.rows(DELIVERIES, id=delivery)
        body = json.loads(str(row.body)) | {"url": url}
        connection.execute(DELIVERIES.update().values(body=json.dumps(body, separators=(",", ":"))))
    return delivery


def state_of(premises: Premises, delivery: str) -> tuple[str, str]:
    (row,) = premises.rows(DELIVERIES, id=delivery)
    return str(row.state), str(row.result)


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_a_webhook_arrives_once_and_signed(premises: Premises, deliverer: Deliverer) -> None:
    heads: list[bytes] = []

    def note(connection: object, head: bytes) -> None:
        heads.append(head)
        says("HTTP/1.1 204 No Content\r\n\r\n")(connection, head)  # type: ignore[arg-type]

    with serving(note) as (url, bodies):
        delivery = hooked(premises, url)
        assert deliverer.deliver(delivery) is DeliveryState.SENT
    assert deliverer.deliver(delivery) is None
    told = json.loads(bodies[0])
    assert (told["id"], told["rule"], told["visitor"]) == (delivery, "hook", "v1")
    headers = dict(entry.split(": ", 1) for entry in heads[0].decode().splitlines()[1:] if ": " in entry)
    seconds, _, signature = headers["Shopbell-Signature"].removeprefix("t=").partition(",v1=")
    wanted = hmac.new(SECRET.encode(), f"{seconds}.".encode() + bodies[0], hashlib.sha256).hexdigest()
    assert signature == wanted
    assert headers["Shopbell-Delivery"] == delivery


@pytest.mark.parametrize(
    ("answer", "state"),
    [("500 No", "scheduled"), ("429 Slow", "scheduled"), ("404 Gone", "failed"), ("302 There", "failed")],
)
def test_an_answer_says_whether_it_is_tried_again(
    premises: Premises, deliverer: Deliverer, answer: str, state: str
) -> None:
    with serving(says(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n")) as (url, _):
        delivery = hooked(premises, url)
        deliverer.deliver(delivery)
    assert state_of(premises, delivery) == (state, f"it answered {answer[:3]}")


def test_silence_after_the_last_byte_is_uncertain_and_never_repeated(premises: Premises, deliverer: Deliverer) -> None:
    with serving(says("")) as (url, bodies):
        delivery = hooked(premises, url)
        assert deliverer.deliver(delivery) is DeliveryState.UNCERTAIN
    assert len(bodies) == 1
    assert deliverer.deliver(delivery) is None


def test_without_its_secret_nothing_leaves(
    premises: Premises, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_SECRET")
    delivery = hooked(premises, "http://127.0.0.1:9/")
    assert deliverer.deliver(delivery) is DeliveryState.SCHEDULED
    assert "env:CRM_SECRET is not set" in state_of(premises, delivery)[1]


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (LEFT, "rule_removed"),
        (with_lines(HOOK, "off: true"), "not_active"),
        (with_lines(HOOK, "shadow: true"), "shadow"),
    ],
)
def test_what_a_silenced_rule_owes_is_not_brought(
    premises: Premises, deliverer: Deliverer, tmp_path: Path, now: str, reason: str
) -> None:
    delivery = hooked(premises, "http://127.0.0.1:9/")
    assert use(premises, tmp_path, now).deliver(delivery) is DeliveryState.CANCELLED
    assert state_of(premises, delivery) == ("cancelled", reason)


# --- surveys, audiences, notes, variants ------------------------------------------------------------------------------


def test_the_first_answer_to_a_survey_counts_and_rules_hear_of_it(premises: Premises, tmp_path: Path) -> None:
    asks = "name: sad\nwhen: [happened: survey_answered]\nthen: [tell_agent: Found it hard]"
    use(premises, tmp_path, asks)
    premises.post("page_viewed", page=FAQ)
    live = LiveRules(tmp_path / "rules.yaml", premises.engine)
    actions = SqlLinkActions(premises.engine, live, premises.committer)
    claim = SurveyClaim("main", "v1", "dec_1.0")
    actions.answer(claim, 2)
    actions.answer(claim, 5)
    assert [row.kind for row in premises.rows(OUTCOMES, delivery="dec_1.0")] == ["answered"]
    assert premises.decided() == [("v1", "sad")]
    (note,) = premises.rows(DELIVERIES, kind="tell_agent")
    view = why(premises.engine, premises.shop, "v1")
    assert view is not None
    assert [told["note"] for told in view.notes] == ["Found it hard"]
    assert (note.state, json.loads(str(note.body))) == ("noted", {"note": "Found it hard"})
    actions.answer(SurveyClaim("main", "erased", "dec_2.0"), 1)
    assert premises.rows(VISITORS, id="erased") == []


def test_an_audience_is_joined_once_and_left(premises: Premises) -> None:
    joins = "name: joins\nwhen: [on_page: faq]\nthen: [audience: left]"
    leaves = "name: leaves\nwhen: [on_page: returns]\nthen: [audience: {remove: left}]"
    premises.use(rule_set(joins, leaves))
    premises.post("consent_changed", consent={"marketing": True})
    premises.post("page_viewed", page=FAQ)
    (row,) = premises.rows(AUDIENCES)
    assert (row.name, row.visitor) == ("left", "v1")
    premises.post("page_viewed", page={"url": "https://shop.example/returns"})
    assert premises.rows(AUDIENCES) == []


def test_whoever_withdraws_consent_is_taken_off_every_list(premises: Premises) -> None:
    premises.use(rule_set("name: joins\nwhen: [on_page: faq]\nthen: [audience: left, audience: stuck]"))
    premises.post("consent_changed", consent={"marketing": True})
    premises.post("page_viewed", page=FAQ)
    assert len(premises.rows(AUDIENCES)) == 2
    premises.post("consent_changed", consent={"marketing": False})
    assert premises.rows(AUDIENCES) == []


def test_a_decision_keeps_its_variant(premises: Premises) -> None:
    premises.use(rule_set("name: v\nwhen: [on_page: faq]\nvariants: {a: {then: [tag: x]}, b: {then: [tag: y]}}"))
    premises.post("page_viewed", page=FAQ)
    (row,) = premises.rows(DECISIONS)
    assert row.variant == {"x": "a", "y": "b"}[premises.visitor().state.tags[0]]


def test_a_person_keeps_the_lot_of_the_visitor_they_first_were(premises: Premises) -> None:
    premises.post("page_viewed", page=FAQ)
    premises.gives_address()
    premises.gives_address("v2")
    assert premises.person_of("v2").lot == "v1"


def test_a_purchase_on_another_device_cancels_everything_pending_at_once(premises: Premises) -> None:
    night = "shop: {time_zone: UTC, quiet_hours: 12:00-20:00}"
    premises.use(rule_set(LEFT, head=night))
    premises.gives_address()
    premises.fills_cart()
    premises.later(HOUR).look_at("v1")
    assert [state for _, state, _ in premises.mails()] == ["scheduled"]
    premises.gives_address("phone")
    premises.post("order_placed", "phone", order={"id": "o1"})
    assert premises.mails() == [("v1", "cancelled", "bought")]


# --- a mail that cannot be written ---------------------------------------------------------------------------------


def _breaks(context: object) -> object:
    raise KeyError("a word that is nowhere")


def test_a_mail_that_breaks_every_time_is_given_up_with_its_reason(
    premises: Premises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliverer = use(premises, tmp_path, LEFT, smtp_url="smtp://127.0.0.1:9")
    premises.gives_address()
    premises.fills_cart()
    (delivery,) = premises.later(HOUR).look_at("v1").hints
    monkeypatch.setattr("engine.deliver.render", _breaks)
    for _ in range(3):
        assert deliverer.deliver(delivery) is DeliveryState.SCHEDULED
        premises.later(HOUR)
    premises.later(GIVE_UP_AFTER - 3 * HOUR)
    assert deliverer.deliver(delivery) is DeliveryState.FAILED
    assert deliverer.deliver(delivery) is None
    (mail,) = premises.mails()
    assert mail == ("v1", "failed", "given up after 4 attempts: it could not be brought: KeyError")


def test_a_mail_about_what_is_sold_out_is_cancelled_with_that_reason(premises: Premises, tmp_path: Path) -> None:
    deliverer = use(premises, tmp_path, LEFT)
    premises.gives_address()
    premises.fills_cart()
    (delivery,) = premises.later(HOUR).look_at("v1").hints
    premises.hear("stock_changed", "v1", product={"sku": "INK-1", "stock": 0})
    assert deliverer.deliver(delivery) is DeliveryState.CANCELLED
    assert premises.mails() == [("v1", "cancelled", Guard.SOLD_OUT)]


# --- a new rule file --------------------------------------------------------------------------------------------------


def due(premises: Premises, visitor: str) -> Millis | None:
    return premises.visitor(visitor).due_at


def test_a_new_file_wakes_who_waits_once_over_all_processes(premises: Premises, other: Premises) -> None:
    premises.fills_cart("with-cart")
    premises.post("page_viewed", "reader", page={"url": KB})
    first = {"main": ("one", "rules: []")}
    second = {"main": ("two", "rules: [] ")}
    assert rule_sets.remember_all(premises.engine, first) == [], "nobody waited for the first one"
    assert rule_sets.remember_all(other.engine, first) == []
    woken = [rule_sets.remember_all(house.engine, second) for house in (premises, other)]
    assert woken == [["main"], []]
    assert rule_sets.remember_all(other.engine, first) == ["main"], "an old file that comes back is a new one"
    before = due(premises, "reader")
    assert rule_sets.wake(premises.engine, "main") == 1
    soon = due(premises, "with-cart")
    assert soon is not None
    assert premises.hands.now < soon <= premises.hands.now + 2 * MINUTE
    assert due(premises, "reader") == before


def test_a_rule_file_goes_on_record_between_two_commits(premises: Premises, other: Premises) -> None:
    """Whoever is being judged by the old file in that moment is there when those are woken who wait for something."""
    old, new = {"main": ("old", "rules: []")}, {"main": ("new", "rules: [] ")}
    rule_sets.remember_all(premises.engine, old)
    told: list[list[str]] = []
    telling = threading.Thread(target=lambda: told.append(rule_sets.remember_all(other.engine, new)))
    with premises.engine.begin() as connection:
        commit_begins(connection)
        telling.start()
        if connection.dialect.name == "postgresql":
            waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            wait_until(lambda: bool(connection.execute(waiting).scalar_one()))
        assert looks.house(connection, "main").rule_set == "old"
    telling.join(DEADLINE_S)
    assert told == [["main"]]
    with reading(premises.engine) as connection:
        assert looks.house(connection, "main").rule_set == "new"


def test_a_rule_file_on_record_leaves_the_agents_as_they_were(premises: Premises) -> None:
    premises.hear("agents_changed", agents={"online": 3, "free": 2})
    rule_sets.remember_all(premises.engine, {"main": ("one", "rules: []")})
    premises.hear("agents_changed", agents={"online": 1, "free": 1, "department": "ink"})
    with reading(premises.engine) as connection:
        house = looks.house(connection, "main")
    assert (house.rule_set, sorted(house.agents)) == ("one", ["", "ink"])


def test_waking_leaves_alone_who_is_due_sooner_and_what_is_history(premises: Premises) -> None:
    premises.use(rule_set(STUCK))
    premises.fills_cart("old")
    premises.later(4 * DAY).fills_cart("fresh", "c2")
    premises.use(rule_set(LEFT))
    premises.post("cart_updated", "due", cart=cart(line("PEN"), cart_id="c3"))
    planned = due(premises, "due")
    assert planned is not None
    premises.hands.now = planned - SECOND
    assert rule_sets.wake(premises.engine, "main") == 1
    assert due(premises, "old") is None
    assert due(premises, "due") == planned


def test_a_new_rule_speaks_about_a_cart_that_was_there_before_it(premises: Premises) -> None:
    premises.use(rule_set(STUCK))
    premises.gives_address()
    premises.fills_cart()
    premises.later(3 * HOUR)
    premises.use(rule_set(LEFT))
    rule_sets.wake(premises.engine, "main")
    premises.later(2 * MINUTE).look_at("v1")
    assert premises.decided() == [("v1", "left")]
