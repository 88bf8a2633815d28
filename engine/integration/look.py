"""The parts of an integration that know, a moment before a mail about a cart or an unpaid order leaves, whether it is
still true.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum

from engine.clock import Millis
from engine.integration.ask import Call
from engine.integration.base import Integration
from engine.integration.settings import S


class CartNow(StrEnum):
    """What the platform says of a cart now."""

    OPEN = "open"
    """It has not become an order, as far as the platform knows."""
    ORDERED = "ordered"
    MAILED = "mailed"
    """The platform itself has mailed about it; a second mail would be one too many."""
    GONE = "gone"
    """It is empty, or no longer there: emptied, hidden by the shop, or of somebody who was erased."""


class Looker(Integration[S], ABC):
    """Answers, for whoever is about to be mailed about a cart: has it been ordered?"""

    @abstractmethod
    def look(self, refs: tuple[str, ...], call: Call) -> CartNow | None:
        """``refs`` are the platform's names for the cart, its checkout and its order, as events told them.

        None when it cannot be asked about these names, or not with this shop's settings. ``call`` has a few seconds for
        all its answers together. Raises CallError, Throttled or Unreadable when it was asked and did not say.
        """


class BuyerLooker(Integration[S], ABC):
    """Answers the same where a cart has no name before it is ordered: has this person ordered since they left it?"""

    @abstractmethod
    def look_for(self, email: str, since: Millis, call: Call) -> CartNow | None:
        """``email`` is whom the mail is for, ``since`` when the cart was last touched.

        None when it cannot be asked with this shop's settings. Else as :meth:`Looker.look`.
        """


class OrderNow(StrEnum):
    """What the platform says of an order now that was not paid when it was last heard of."""

    UNPAID = "unpaid"
    """It can be paid, and has not been."""
    PAID = "paid"
    """Paid, or on its way to the shopper whatever was paid."""
    CANCELLED = "cancelled"
    """Nobody should pay it any more: cancelled, no longer there, or of somebody who was erased."""


class OrderLooker(Integration[S], ABC):
    """Answers, for whoever is about to be reminded of an unpaid order: has it been paid, or cancelled?"""

    @abstractmethod
    def look_at_order(self, refs: tuple[str, ...], call: Call) -> OrderNow | None:
        """``refs`` are the platform's names for the order, as the event told them that said it was placed.

        None when it cannot be asked about these names, or not with this shop's settings. Else as :meth:`Looker.look`.
        """
