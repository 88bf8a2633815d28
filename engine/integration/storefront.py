"""The parts of an integration that meet the shop's own pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.clock import Millis
from engine.integration.base import Integration
from engine.integration.receive import RawRequest
from engine.integration.settings import S


class Storefront(Integration[S], ABC):
    """Brings a script for the shop's pages: ``integrations/<name>/storefront.js``, served as ``/adapters/<name>.js``.

    It tells the storefront script (docs/snippet.md) what only this platform's pages know, in the words that every shop
    has: ``shopbell("track", …)``. What all such scripts share is ``snippet/src/adapters/adapter.js``.
    """

    on_pages: ClassVar[Mapping[str, str]] = {}
    """What it does there: by what happens on a page, what becomes of it."""


@dataclass(frozen=True)
class Vouched:
    """What a platform's signature says of a page's request; ``customer_id`` is "" for who is not logged in."""

    customer_id: str = ""


class FirstParty(Integration[S], ABC):
    """Passes on what the shop's pages send to an address of the shop's own, to ``/proxy/<name>/<shop>``, and signs it.

    Such a request needs no key, no origin and no third party's cookie: it is the shop's own.
    """

    @abstractmethod
    def vouch(self, request: RawRequest, now: Millis) -> Vouched:
        """What the platform vouches for. Raises BadSignature for what it did not sign, or signed too long ago."""
