"""A shop whose platform tells its life by webhooks: what was taken in, and who is owed what because of it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.intake import Intake, Outcome, open_platform
from engine.integration import RawRequest
from engine.store.unit import DELIVERIES, VISITORS
from tests.builders import Premises

UNPAID = """
name: waits
when:
  - unpaid_order: 2h
then:
  - tag: waits
"""
HELP_TO_PAY = "name: unpaid\nwhen: [unpaid_order: 45m, can_email]\nthen: [email: unpaid-order]\nonce_per: cart\n"
"""Whoever has not paid gets a mail that asks to."""


class Storyteller:
    """The shop, with ``name``'s platform on the other end of the line."""

    def __init__(self, premises: Premises, name: str) -> None:
        platform = open_platform(premises.shop, name)
        assert platform is not None
        self.premises = premises
        self._platform = platform
        self._intake = Intake(premises.engine, premises.committer, premises.hands)

    def hears(self, raw: bytes, headers: Mapping[str, str], query: Mapping[str, str]) -> Outcome:
        """What became of one webhook of these very bytes."""
        delivery = self._platform.receiver.admit(RawRequest(headers, query, raw))
        assert delivery is not None
        return self._intake.take(self._platform, delivery).outcome

    def looks_again(self) -> list[str]:
        """A timer rings for everybody; the states of all mails that there are then."""
        self.premises.look_at(*self._everybody())
        return [str(row.state) for row in self.premises.rows(DELIVERIES)]

    def who_waits(self) -> list[str]:
        """Whoever has an order that waits for its payment, once everybody was looked at."""
        self.looks_again()
        return [name for name in self._everybody() if "waits" in self.premises.visitor(name).state.tags]

    def _everybody(self) -> list[str]:
        return [str(row.id) for row in self.premises.rows(VISITORS)]
