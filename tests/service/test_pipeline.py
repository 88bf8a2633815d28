"""Event in, visitor state, rules, decision, delivery: the one path, over both kinds of database."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.ids import derived_id, stand_in_of
from engine.store.unit import CARTS, CONSENTS, DELIVERIES, EVENTS, ORDERS
from tests.builders import (
    ADDRESS,
    KB,
    LEFT,
    SEQUENCE,
    STUCK,
    Premises,
    cart,
    line,
    named,
    rule_set,
    with_lines,
)

RULES = rule_set(STUCK, LEFT)
BEFORE_NIGHT = "shop: {time_zone: UTC, quiet_hours: 13:00-20:00}"
"""Quiet hours in which a mail that was decided at two o'clock waits."""


# --- events -----------------------------------------------------------------------------------------------------------


def test_forty_five_seconds_on_the_knowledge_base_bring_an_invitation_in_the_answer(premises: Premises) -> None:
    first = premises.post("page_viewed", page={"url": KB})
    assert first.messages == []
    assert first.ask is not None
    assert (first.ask.at - first.now, first.ask.engaged) == (45 * SECOND, True)
    answer = premises.later(45 * SECOND).post("checked_in", engaged_ms=45_000, page={"url": KB})
    (message,) = [msgspec.json.decode(raw) for raw in answer.messages]
    assert (message["rule"], message["text"]) == ("stuck", "Can I help?")
    (row,) = premises.rows(DELIVERIES)
    assert (row.id, row.state) == (message["id"], "offered")


def test_an_invitation_is_offered_until_the_page_says_that_it_was_shown(premises: Premises) -> None:
    premises.post("page_viewed", page={"url": KB})
    offered = premises.later(45 * SECOND).post("checked_in", engaged_ms=45_000).messages
    assert premises.later(SECOND).post("page_shown").messages == offered
    delivery = premises.rows(DELIVERIES)[0].id
    assert premises.post("message_shown", message=delivery).messages == []
    assert premises.rows(DELIVERIES)[0].state == "shown"
    premises.post("message_accepted", message=delivery)
    assert premises.rows(DELIVERIES)[0].state == "accepted"


def test_nobody_speaks_for_another_visitor_s_invitation(premises: Premises) -> None:
    premises.post("page_viewed", page={"url": KB})
    premises.later(45 * SECOND).post("checked_in", engaged_ms=45_000)
    premises.post("message_dismissed", "somebody-else", message=premises.rows(DELIVERIES)[0].id)
    assert premises.rows(DELIVERIES)[0].state == "offered"


def test_an_event_repeated_in_the_same_request_counts_once(premises: Premises) -> None:
    event = premises.accept("size_guide_opened")
    answer = premises.submit(event, event)
    assert (answer.accepted, answer.duplicates) == (1, 1)
    assert premises.visitor().state.tallies["size_guide_opened"].count == 1


def test_an_event_repeated_later_counts_once_and_fires_nothing(premises: Premises) -> None:
    viewed = premises.accept("page_viewed", page={"url": KB})
    premises.submit(viewed)
    checked = premises.later(45 * SECOND).accept("checked_in", engaged_ms=45_000)
    premises.submit(checked)
    state = premises.visitor().state
    answer = premises.submit(viewed, checked)
    assert (answer.accepted, answer.duplicates) == (0, 2)
    assert premises.visitor().state == state
    assert premises.decided() == [("v1", "stuck")]


def test_an_event_repeated_through_another_process_counts_once(premises: Premises, other: Premises) -> None:
    event = premises.accept("size_guide_opened")
    premises.submit(event)
    assert other.submit(event).duplicates == 1
    assert premises.visitor().state.tallies["size_guide_opened"].count == 1


def test_two_visitors_may_use_the_same_event_id(premises: Premises) -> None:
    for visitor in ("v1", "v2"):
        assert premises.post("size_guide_opened", visitor, id="event-one").accepted == 1


def test_what_came_in_is_kept_with_the_fields_that_nobody_here_knows(premises: Premises) -> None:
    premises.post("size_guide_opened", size="XL")
    (row,) = premises.rows(EVENTS)
    assert msgspec.json.decode(row.body)["size"] == "XL"
    assert (row.visitor, row.type, row.trusted, row.fault) == ("v1", "size_guide_opened", False, None)


def test_batches_that_arrive_in_the_wrong_order_leave_the_later_truth(premises: Premises) -> None:
    premises.later(HOUR).post("cart_updated", cart=cart(line(quantity=3)))
    premises.post("cart_updated", ago=MINUTE, cart=cart(line(quantity=1)))
    basket = premises.visitor().state.basket
    assert basket is not None
    assert basket.items[0].quantity == 3
    (row,) = premises.rows(CARTS)
    assert msgspec.json.decode(row.body)["lines"][0]["quantity"] == 3


def test_an_older_cart_of_the_same_value_does_not_replace_what_is_kept(premises: Premises) -> None:
    premises.later(HOUR).post("cart_updated", cart=cart(line("PEN")))
    premises.post("cart_updated", ago=MINUTE, cart=cart(line("INK-1")))
    (row,) = premises.rows(CARTS)
    assert msgspec.json.decode(row.body)["lines"][0]["sku"] == "PEN"


def test_a_clock_that_runs_ahead_makes_nothing_happen_in_the_future(premises: Premises) -> None:
    event = premises.accept("cart_updated", cart=cart(line()))
    premises.hands.now -= 5 * MINUTE
    premises.submit(event)
    assert premises.visitor().state.seen_at == premises.hands.now


# --- carts, orders, people --------------------------------------------------------------------------------------------


def test_a_cart_left_behind_is_mailed_about_when_its_time_comes(premises: Premises) -> None:
    premises.gives_address()
    premises.fills_cart()
    assert premises.visitor().due_at == premises.hands.now + HOUR
    answer = premises.later(HOUR).look_at("v1")
    (row,) = premises.rows(DELIVERIES)
    assert answer.hints == [row.id]
    assert (row.kind, row.state, row.due_at) == ("email", "scheduled", premises.hands.now)
    assert ADDRESS not in row.body
    assert premises.visitor().due_at is None


def test_an_emptied_cart_is_marked_and_not_mailed_about(premises: Premises) -> None:
    premises.gives_address()
    premises.fills_cart()
    premises.later(MINUTE).post("cart_updated", cart=cart())
    premises.later(DAY).look_at("v1")
    assert premises.mails() == []
    assert [row.status for row in premises.rows(CARTS)] == ["emptied"]


def test_an_order_closes_the_cart_and_cancels_what_waits_at_once(premises: Premises) -> None:
    premises.use(rule_set(SEQUENCE, head=BEFORE_NIGHT))
    premises.gives_address()
    premises.fills_cart()
    premises.later(2 * HOUR).look_at("v1")
    assert premises.mails() == [("v1", "scheduled", "")]
    premises.later(MINUTE).post("order_placed", order={"id": "o1", "cart_id": "c1"})
    assert premises.mails() == [("v1", "cancelled", "bought")]
    assert premises.decided("stopped") == [("v1", "sequence")]
    assert [row.status for row in premises.rows(CARTS)] == ["ordered"]
    premises.later(3 * DAY).look_at("v1")
    assert premises.mails() == [("v1", "cancelled", "bought")]


def test_an_order_on_another_device_with_the_same_address_stops_everything_at_once(premises: Premises) -> None:
    premises.use(rule_set(SEQUENCE, head=BEFORE_NIGHT))
    premises.gives_address("laptop")
    premises.fills_cart("laptop")
    premises.later(2 * HOUR).look_at("laptop")
    order = {"id": "o1", "email": " Anna@Shopper.example "}
    premises.later(MINUTE).post("order_placed", "phone", order=order)
    assert premises.mails() == [("laptop", "cancelled", "bought")]
    assert premises.visitor("laptop").due_at == premises.hands.now, "the laptop is looked at as soon as possible"
    premises.look_at("laptop")
    assert premises.decided("stopped") == [("laptop", "sequence")]
    premises.later(3 * DAY).look_at("laptop")
    assert premises.mails() == [("laptop", "cancelled", "bought")]


def test_an_order_that_is_told_again_ends_no_mail_about_what_came_after_it(premises: Premises) -> None:
    premises.use(rule_set(SEQUENCE, head=BEFORE_NIGHT))
    premises.gives_address()
    premises.post("order_placed", order={"id": "o1"})
    premises.later(2 * DAY).fills_cart()
    premises.later(2 * HOUR).look_at("v1")
    for device in ("v1", "phone"):
        premises.post("order_placed", device, ago=2 * DAY + 2 * HOUR, order={"id": "o1", "email": ADDRESS})
    assert premises.mails() == [("v1", "scheduled", "")]


def test_a_mail_that_is_owed_is_the_browsers_once_it_is_heard_whose_cart_it_is(premises: Premises) -> None:
    premises.use(rule_set(SEQUENCE, head=BEFORE_NIGHT))
    refs = ["acme:cart:cart-token-of-anna"]
    stand_in, agreed = stand_in_of("main", refs[0]), {"email": True, "text": "Yes", "source": "shop"}
    premises.hear("contact_given", stand_in, refs=refs, email=ADDRESS, consent=agreed)
    premises.hear("cart_updated", stand_in, refs=refs, cart=cart(line()))
    premises.later(2 * HOUR).look_at(stand_in)
    assert premises.mails() == [(stand_in, "scheduled", "")]
    premises.post("page_viewed", "browser-1", page={"url": KB}, refs=refs)
    assert premises.mails() == [("browser-1", "scheduled", "")]
    assert list(premises.visitor("browser-1").state.runs) == ["sequence"], "its steps go on here"
    premises.later(MINUTE).post("cart_updated", "browser-1", cart=cart(), refs=refs)
    assert premises.mails() == [("browser-1", "cancelled", "cart_emptied")]


def test_an_order_that_only_names_a_cart_stops_whoever_it_belongs_to(premises: Premises) -> None:
    premises.use(rule_set(SEQUENCE, head=BEFORE_NIGHT))
    premises.gives_address()
    premises.fills_cart()
    premises.later(2 * HOUR).look_at("v1")
    premises.later(MINUTE).hear("order_placed", order={"id": "o1", "cart_id": "c1", "email": "other@shopper.example"})
    assert premises.mails() == [("v1", "cancelled", "bought")]
    assert premises.decided("stopped") == [("v1", "sequence")]
    assert premises.visitor().state.basket is None


def test_an_order_heard_before_the_mail_is_decided_prevents_it(premises: Premises) -> None:
    premises.gives_address()
    premises.fills_cart()
    premises.later(30 * MINUTE).hear("order_placed", order={"id": "o1", "cart_id": "c1", "email": ADDRESS})
    premises.later(DAY).look_at("v1")
    assert premises.mails() == []


def test_an_order_before_its_cart_is_heard_of_prevents_the_mail_too(premises: Premises) -> None:
    premises.gives_address()
    premises.later(HOUR).hear("order_placed", order={"id": "o1", "cart_id": "c1", "email": ADDRESS})
    premises.later(MINUTE).post("cart_updated", ago=2 * MINUTE, cart=cart(line()))
    premises.later(DAY).look_at("v1")
    assert premises.mails() == []


def test_a_stale_retry_from_before_the_order_brings_no_mail(premises: Premises) -> None:
    premises.gives_address()
    premises.fills_cart("v1", None)
    premises.later(HOUR - MINUTE).post("order_placed", order={"id": "o1"})
    premises.later(4 * HOUR).post("cart_updated", ago=4 * HOUR + MINUTE, cart=cart(line("PEN"), cart_id=None))
    premises.later(DAY).look_at("v1")
    assert premises.mails() == []


def test_an_order_is_counted_once_however_often_it_is_reported(premises: Premises) -> None:
    premises.gives_address()
    premises.fills_cart()
    premises.post("order_placed", order={"id": "o1", "cart_id": "c1", "total": "24.95"})
    premises.hear("order_placed", order={"id": "o1", "cart_id": "c1", "email": ADDRESS})
    assert len(premises.rows(ORDERS)) == 1
    assert premises.person_of().orders == 1


# --- rules that change, agents ----------------------------------------------------------------------------------------


def test_a_rule_that_is_gone_cancels_what_it_still_owes(premises: Premises) -> None:
    premises.use(rule_set(SEQUENCE, head=BEFORE_NIGHT))
    premises.gives_address()
    premises.fills_cart()
    premises.later(2 * HOUR).look_at("v1")
    premises.use(rule_set(STUCK))
    premises.later(MINUTE).look_at("v1")
    assert premises.mails() == [("v1", "cancelled", "rule_removed")]


def test_agents_that_a_browser_invents_are_nobody(premises: Premises) -> None:
    premises.use(rule_set(STUCK.replace("then:", "  - agents: online\nthen:")))
    premises.post("agents_changed", "", agents={"online": 5})
    premises.post("page_viewed", page={"url": KB})
    assert premises.later(45 * SECOND).post("checked_in", engaged_ms=45_000).messages == []
    premises.hear("agents_changed", agents={"online": 1})
    assert len(premises.later(SECOND).post("checked_in", engaged_ms=46_000).messages) == 1


def test_older_news_about_agents_does_not_replace_newer(premises: Premises) -> None:
    premises.later(HOUR).hear("agents_changed", agents={"online": 0})
    premises.hear("agents_changed", ago=MINUTE, agents={"online": 3})
    premises.post("page_viewed", page={"url": KB})
    assert premises.later(45 * SECOND).post("checked_in", engaged_ms=45_000).messages == []


# --- twice the same ---------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.sampled_from(
        [
            ("page_viewed", {"page": {"url": KB}}),
            ("checked_in", {"engaged_ms": 45_000}),
            ("cart_updated", {"cart": cart(line())}),
            ("cart_updated", {"cart": cart(cart_id=None)}),
            ("checkout_started", {}),
            ("order_placed", {"order": {"id": "o1", "cart_id": "c1"}}),
            ("contact_given", {"email": ADDRESS, "consent": {"email": True}}),
        ]
    ),
    min_size=1,
    max_size=6,
)


@hypothesis_settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(steps=STEPS)
def test_a_batch_that_comes_twice_is_a_batch_that_came_once(
    premises: Premises, steps: list[tuple[str, dict[str, object]]]
) -> None:
    visitor = derived_id("v", repr(steps))
    batch = []
    for kind, fields in steps:
        premises.later(SECOND)
        batch.append(premises.accept(kind, visitor, **fields))  # type: ignore[arg-type] # fields of the event
    premises.submit(*batch)
    tables = (EVENTS, DELIVERIES, ORDERS, CONSENTS)
    before = premises.visitor(visitor).state, [premises.rows(table, visitor=visitor) for table in tables]
    answer = premises.submit(*batch)
    assert (answer.accepted, answer.duplicates) == (0, len(batch))
    after = premises.visitor(visitor).state, [premises.rows(table, visitor=visitor) for table in tables]
    assert after == before


def test_several_rules_at_once_over_the_database_give_one_invitation(premises: Premises) -> None:
    premises.use(rule_set(STUCK, with_lines(named(STUCK, "urgent"), "priority: 9")))
    premises.post("page_viewed", page={"url": KB})
    answer = premises.later(45 * SECOND).post("checked_in", engaged_ms=45_000)
    assert [msgspec.json.decode(raw)["rule"] for raw in answer.messages] == ["urgent"]
    assert premises.decided("held") == [("v1", "stuck")]


def test_a_browser_that_names_somebody_elses_cart_gets_one_of_its_own(premises: Premises) -> None:
    premises.fills_cart("owner", "c1")
    premises.fills_cart("stranger", "c1", line("LAMP-9"))
    mine, theirs = premises.visitor("owner").state, premises.visitor("stranger").state
    assert mine.basket is not None
    assert theirs.basket is not None
    assert mine.basket.id == "c1"
    assert theirs.basket.id != "c1"


def test_a_browsers_word_alone_does_not_order_somebody_elses_cart(premises: Premises) -> None:
    premises.fills_cart("owner", "c1")
    premises.post("order_placed", "stranger", order={"id": "o1", "cart_id": "c1"})
    assert premises.visitor("owner").state.basket is not None
    premises.hear("order_placed", "server-side", order={"id": "o1", "cart_id": "c1"})
    assert premises.visitor("owner").state.basket is None
