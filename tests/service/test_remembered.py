"""What rules ask about, kept on the way through the house: watches, devices, orders on every device."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.clock import DAY, HOUR, SECOND
from engine.store import looks
from engine.store.database import reading
from engine.store.unit import EVENTS
from tests.builders import KB, Premises, rule_set
from tests.service.doors import batch, happened, open_door, page_viewed

VIDEO = """
name: video
when:
  - happened: {event: video_played, where: {plan: pro}, at_least: 2}
then:
  - invite: Can I help?
"""
DELIVERED = """
name: delivered
when:
  - delivered: 3d
  - not: {happened: survey_answered}
then:
  - email: cart-reminder
"""
AGAIN = """
name: again
when:
  - on_page: knowledge_base
  - ordered: {within: 7d}
then:
  - invite: Is it about your order?
"""
ORDER = {"id": "o1", "total": "50.00"}


def test_a_rule_on_an_events_own_fields_counts_them(premises: Premises) -> None:
    premises.use(rule_set(VIDEO))
    premises.post("page_viewed", page={"url": KB})
    for plan in ("pro", "free", "pro"):
        premises.later(SECOND).post("video_played", plan=plan)
    assert premises.decided() == [("v1", "video")]


def test_a_delivery_that_the_shops_server_tells_is_asked_about_days_later(premises: Premises) -> None:
    premises.use(rule_set(DELIVERED))
    premises.hear("order_placed", email="anna@shopper.example", order=ORDER)
    premises.gives_address("v1")
    premises.later(HOUR).hear("order_delivered", email="anna@shopper.example", order=ORDER)
    assert premises.person_of("v1").bought[0].delivered_at == premises.hands.now
    premises.later(3 * DAY - 1).look_at("v1")
    assert premises.decided() == []
    premises.later(1).look_at("v1")
    assert premises.decided() == [("v1", "delivered")]


def test_an_order_on_the_phone_is_known_on_the_laptop(premises: Premises) -> None:
    premises.use(rule_set(AGAIN))
    premises.gives_address("phone")
    premises.gives_address("laptop")
    premises.post("order_placed", "phone", order=ORDER)
    premises.later(DAY).post("page_viewed", "laptop", page={"url": KB})
    assert premises.decided() == [("laptop", "again")]


def test_devices_that_turn_out_to_be_one_persons_are_noted(premises: Premises) -> None:
    for name, device in (("phone", "mobile"), ("laptop", "desktop")):
        premises.post("page_viewed", name, device=device, page={"url": KB})
        premises.later(HOUR).gives_address(name)
    assert [device.kind for device in premises.person_of("phone").devices] == ["mobile", "desktop"]


@pytest.mark.parametrize(("agent", "device"), [("… Mobile Safari", "mobile"), ("… Windows NT 10.0", "desktop")])
def test_a_browsers_device_is_kept_with_its_page_view(tmp_path: Path, sqlite_url: str, agent: str, device: str) -> None:
    with open_door(tmp_path, sqlite_url) as door:
        answer = door.knock(batch(page_viewed(), happened("searched", results=0)), **{"User-Agent": agent})
        assert answer.status_code == 202
        kept = {row.type: msgspec.json.decode(str(row.body)) for row in door.rows(EVENTS)}
        assert kept["page_viewed"]["device"] == device
        assert "device" not in kept["searched"]
        with reading(door.engine) as connection:
            seen = looks.visitor(connection, "ink", "v1")
        assert seen is not None
        assert seen.state.device == device


def test_a_servers_own_device_says_nothing_about_a_shopper(tmp_path: Path, sqlite_url: str) -> None:
    with open_door(tmp_path, sqlite_url) as door:
        door.report(page_viewed() | {"visitor": "v1"})
        (row,) = door.rows(EVENTS)
        assert "device" not in msgspec.json.decode(str(row.body))
