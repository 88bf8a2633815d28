"""The part of an integration that knows where its platform brings a left cart back by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod

from engine.integration.base import Integration
from engine.integration.settings import S


class Restorer(Integration[S], ABC):
    """Tells where a mail's link leads to, instead of the shop's own ``cart_url``."""

    @abstractmethod
    def cart_address(self, refs: tuple[str, ...]) -> str:
        """The cart's own address, with what opens it; "" where there is none for these names of it.

        It is asked when the link is followed and never kept: whoever has such an address has the cart.
        """
