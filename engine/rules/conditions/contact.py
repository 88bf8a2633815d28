"""Contact: whether and how somebody may be reached."""

from __future__ import annotations

from dataclasses import dataclass

from engine.rules.conditions.base import BaseCondition, condition
from engine.rules.facts import Facts
from engine.rules.verdicts import Verdict, met, not_met


@condition
@dataclass(frozen=True, kw_only=True)
class CanEmail(BaseCondition):
    """The shopper may be mailed: an address is known, with consent or another legal basis, and nobody unsubscribed.

    Mail is never sent without this, whether or not a rule asks; asking keeps a rule for those it can reach.

    Example:
        - can_email
        - not: can_email
    """

    def check(self, facts: Facts) -> Verdict:
        if facts.person is None:
            return not_met("no address is known")
        reason = facts.person.why_no_mail()
        return met("may be mailed") if reason is None else not_met(reason)
