"""Agents that were kept for others: an invitation to chat that is out counts against the agents that are free."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from engine.clock import DAY, Millis
from engine.rules.facts import HOLDS_AGENT, House
from engine.store import looks
from engine.store.looks import Invitation, Reply


class OtherInvitations:
    """The invitations of everybody but ``kin`` between ``since`` and ``until``, and what was said to them."""

    def __init__(self, connection: Connection, shop: str, kin: Collection[str], since: Millis, until: Millis) -> None:
        known = looks.invitations(connection, shop, since - DAY, until)
        out = [each for each in known if each.visitor not in kin and each.opens == "chat"]
        replies = looks.replies(connection, shop, [each.delivery for each in out], until)
        self._steps: list[Invitation | Reply] = sorted([*out, *replies], key=lambda step: step.at)

    def pass_time(self, house: House, until: Millis) -> None:
        """Bring the house up to that moment."""
        while self._steps and self._steps[0].at <= until:
            step = self._steps.pop(0)
            if isinstance(step, Reply):
                _hear(house, step)
            elif house.free(step.at) is not None:
                house.invite(step.delivery, min(step.expires_at, step.at + HOLDS_AGENT), step.at)


def _hear(house: House, reply: Reply) -> None:
    if reply.kind in ("accepted", "dismissed"):
        house.hear_reply(reply.delivery, accepted_at=reply.at if reply.kind == "accepted" else None)
