"""Two processes at the same moment: nothing is lost, nothing is decided twice."""

from __future__ import annotations

from functools import partial

from sqlalchemy import func, select

from engine.clock import DAY, HOUR, SECOND
from engine.store.database import reading
from engine.store.unit import DELIVERIES, EVENTS, PEOPLE
from tests.builders import (
    KB,
    LEFT,
    STUCK,
    Premises,
    at_once,
    line,
    rule_set,
    with_lines,
)


def test_two_processes_with_the_same_visitor_lose_nothing_and_decide_nothing_twice(
    premises: Premises, other: Premises
) -> None:
    premises.use(rule_set(with_lines(STUCK, "once_per: page")))
    other.use(premises.shop.rules)
    rounds, visitors = 25, ("v1", "v2")

    def work(house: Premises, half: int) -> None:
        for number in range(rounds):
            page = {"url": f"{KB}/{number}", "type": "knowledge_base"}
            house.submit(
                *(
                    house.accept(kind, visitor, page=page, engaged_ms=60_000, tab=f"t{half}")
                    for visitor in visitors
                    for kind in ("page_viewed", "checked_in", "size_guide_opened")
                )
            )

    at_once(partial(work, premises, 1), partial(work, other, 2))
    for visitor in visitors:
        assert premises.visitor(visitor).state.tallies["size_guide_opened"].count == 2 * rounds
        assert premises.visitor(visitor).state.session.pages == 2 * rounds
    assert len(premises.rows(EVENTS)) == 2 * rounds * 3 * len(visitors)
    deliveries = premises.rows(DELIVERIES)
    assert len({row.once for row in deliveries}) == len(deliveries)


def test_one_timer_taken_by_two_processes_decides_once(premises: Premises, other: Premises) -> None:
    premises.gives_address()
    for number in range(8):
        premises.fills_cart("v1", f"c{number}", line(f"INK-{number}"))
        premises.later(2 * HOUR)
        at_once(partial(premises.look_at, "v1"), partial(other.look_at, "v1"))
        assert len(premises.decided()) == number + 1
        assert len(premises.mails()) == number + 1
        premises.later(DAY)


def test_an_event_that_two_processes_take_at_the_same_moment_counts_once(premises: Premises, other: Premises) -> None:
    for number in range(15):
        event = premises.accept("size_guide_opened", f"v{number % 3}")
        answers = at_once(partial(premises.submit, event), partial(other.submit, event))
        assert sorted((answer.accepted, answer.duplicates) for answer in answers) == [(0, 1), (1, 0)]
    assert sum(premises.visitor(f"v{n}").state.tallies["size_guide_opened"].count for n in range(3)) == 15


def test_two_devices_that_tell_the_same_address_at_the_same_moment_are_one_person(
    premises: Premises, other: Premises
) -> None:
    for number in range(12):
        address = f"anna{number}@shopper.example"
        at_once(
            partial(premises.gives_address, f"laptop{number}", address),
            partial(other.gives_address, f"phone{number}", address),
        )
        assert premises.visitor(f"laptop{number}").person == premises.visitor(f"phone{number}").person
    with reading(premises.engine) as connection:
        assert connection.execute(select(func.count()).select_from(PEOPLE)).scalar_one() == 12


def test_an_order_and_the_timer_of_its_cart_at_the_same_moment_leave_no_mail_waiting(
    premises: Premises, other: Premises
) -> None:
    for house in (premises, other):
        house.use(rule_set(LEFT, head="shop: {quiet_hours: 00:00-24:00}"))
    for number in range(10):
        laptop, phone, address = f"laptop{number}", f"phone{number}", f"anna{number}@shopper.example"
        premises.gives_address(laptop, address)
        premises.fills_cart(laptop, f"c{number}")
        premises.later(2 * HOUR)
        order = {"id": f"o{number}", "email": address}
        at_once(partial(premises.look_at, laptop), partial(other.post, "order_placed", phone, order=order))
        premises.later(SECOND).look_at(laptop)
    assert {state for _, state, _ in premises.mails()} <= {"cancelled"}
