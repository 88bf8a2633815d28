"""A platform delivers while Redis is away: the answer is 200, because what was told is on disk, and nothing is lost.

Redis only ever says that something is there to be looked at. What is there stands in SQL, and when Redis is back the
clock finds it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine import hints, schedule
from engine.clock import HOUR
from engine.hints import Ringer
from engine.jobs import look_again, open_workshop
from engine.schedule import Rounds
from engine.store.unit import DELIVERIES, ORDERS
from tests.parts import SmtpServer
from tests.service.doors import NOWHERE, cart_updated, happened, order_placed
from tests.service.platform import PlatformDoor, open_platform_door

WORKER = "recheck+deliver-test-1"
ANNA, BEN = "anna@shopper.example", "ben@shopper.example"
CONSENT = {"email": True, "text": "yes", "source": "checkout"}


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with open_platform_door(tmp_path, database_url, monkeypatch) as opened:
        assert opened.settings.redis_url == NOWHERE
        monkeypatch.setattr(schedule, "OVERDUE", 0)  # or the clock would give each lost hint some seconds to be heard
        yield opened


def leaves_cart(door: PlatformDoor, email: str) -> None:
    """Their platform says whose cart it is, and that it was filled two hours ago."""
    whose = {"visitor": f"browser-of-{email.partition('@')[0]}"}
    cart = cart_updated(ago=2 * HOUR, cart_id=f"cart-of-{email}") | whose
    given = happened("contact_given", ago=2 * HOUR, email=email, consent=CONSENT) | whose
    assert door.say(cart, given) == "accepted"


class Afterwards:
    """Redis is back, and with it a clock and a worker."""

    def __init__(self, door: PlatformDoor, redis_url: str, smtp: SmtpServer) -> None:
        self.connection = hints.connect(redis_url)
        hints.announce(self.connection, WORKER)
        self.rounds = Rounds(door.engine, Ringer(self.connection))
        settings = replace(door.settings, redis_url=redis_url, smtp_url=smtp.url)
        self.workshop = open_workshop(settings, door.engine, Ringer(self.connection))

    def hints(self) -> list[tuple[str, list[object]]]:
        """What lies on the worker's queue, taken off it."""
        queue = hints.queue_of(WORKER, self.connection)
        jobs = [(str(job.func_name), list(job.args)) for job in queue.jobs]
        self.connection.delete(queue.key)
        return jobs

    def goes_round(self) -> None:
        """The clock's rounds, and whatever they have the worker do."""
        self.rounds.recheck_due()
        for _, arguments in self.hints():
            shop, visitors = arguments
            assert isinstance(visitors, list)
            look_again(self.workshop, str(shop), visitors)
        self.rounds.remind_of_deliveries()
        for _, (delivery,) in self.hints():
            self.workshop.deliverer.deliver(str(delivery))


def test_what_is_told_while_redis_is_away_is_mailed_about_once_when_it_is_back(
    door: PlatformDoor, redis_url: str, smtp_server: SmtpServer
) -> None:
    leaves_cart(door, ANNA)
    leaves_cart(door, BEN)
    assert door.say(order_placed("1001", email=BEN)) == "accepted"
    assert [row.id for row in door.rows(ORDERS)] == ["1001"]
    assert sorted(str(row.state) for row in door.rows(DELIVERIES)) == ["cancelled", "scheduled"]
    afterwards = Afterwards(door, redis_url, smtp_server)
    for _ in range(3):
        afterwards.goes_round()
    assert [mail.recipients for mail in smtp_server.wait_for_mails(1)] == [(ANNA,)]
    assert sorted(str(row.state) for row in door.rows(DELIVERIES)) == ["cancelled", "sent"]
