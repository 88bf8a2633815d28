"""What links in mails do, over SQL."""

from __future__ import annotations

import os

import msgspec
from sqlalchemy import Engine

from engine import identify, ids, integration
from engine.clock import wall_clock
from engine.committer import Committer
from engine.errors import NotFound
from engine.events import parse_event
from engine.integration import Restorer
from engine.links import Claim, RestoreClaim, SurveyClaim, UnsubscribeClaim
from engine.live import LiveRules
from engine.pipeline import Accepted, Submission
from engine.rules.shop import Shop
from engine.store import aliases, looks, privacy
from engine.store.database import reading
from engine.store.suppress import suppress
from engine.web.links import SavedCart, ShopPageInfo


class SqlLinkActions:
    """See :class:`engine.web.links.LinkActions`."""

    def __init__(self, engine: Engine, live: LiveRules, committer: Committer) -> None:
        self._engine = engine
        self._live = live
        self._committer = committer

    def unsubscribe(self, claim: UnsubscribeClaim) -> None:
        """Effective before the next last byte; saying it twice changes nothing."""
        with reading(self._engine) as connection:
            person = looks.person(connection, claim.shop, claim.person_id)
            back = [] if person else privacy.people_of(connection, claim.shop, [("email", claim.address)])
        if person is not None:
            address = identify.hash_of(claim.shop, person.email)
            suppress(self._engine, claim.shop, person.id, address, "unsubscribed", claim.delivery_id)
        elif claim.address:
            # Forgotten meanwhile, and told of again perhaps: by whatever name, they are not to be mailed.
            suppress(self._engine, claim.shop, next(iter(back), claim.person_id), claim.address, "unsubscribed")

    def is_unsubscribed(self, claim: UnsubscribeClaim) -> bool:
        with reading(self._engine) as connection:
            person = looks.person(connection, claim.shop, claim.person_id)
        return person is None or person.unsubscribed_at is not None

    def answer(self, claim: SurveyClaim, answer: int) -> None:
        """An event like any other, so that rules can go on from it; its id is the question's, so the first counts."""
        shop = self._live.shop(claim.shop)
        if shop is None:
            raise NotFound("this shop is not here any more")
        with reading(self._engine) as connection:
            if looks.visitor(connection, claim.shop, claim.visitor_id) is None:
                return  # erased meanwhile: nothing is to be kept of them
        raw = {
            "id": ids.derived_uuid("survey", claim.shop, claim.delivery_id),
            "type": "survey_answered",
            "visitor": claim.visitor_id,
            "message": claim.delivery_id,
            "answer": answer,
        }
        event = parse_event(raw, received_at=wall_clock(), skew_ms=0, currency=shop.rules.shop.currency, trusted=True)
        self._committer.commit(Submission(shop, [Accepted(event, msgspec.json.encode(raw).decode())]))

    def language_of(self, claim: Claim) -> str:
        shop = self._shop(claim.shop)
        if isinstance(claim, SurveyClaim):
            with reading(self._engine) as connection:
                seen = looks.visitor(connection, claim.shop, claim.visitor_id)
                person = looks.person(connection, claim.shop, seen.person if seen else None)
            return shop.speaks((person.language if person else "") or (seen.state.language if seen else ""))
        if isinstance(claim, RestoreClaim):
            with reading(self._engine) as connection:
                saved = looks.cart(connection, claim.shop, claim.cart_id)
                seen = looks.visitor(connection, claim.shop, saved.visitor) if saved else None
            return shop.speaks(seen.state.language if seen else "")
        with reading(self._engine) as connection:
            person = looks.person(connection, claim.shop, claim.person_id)
        return shop.speaks(person.language if person else "")

    def shop_of(self, claim: Claim) -> ShopPageInfo:
        shop = self._shop(claim.shop)
        own = self._platforms_address(shop, claim) if isinstance(claim, RestoreClaim) else ""
        return ShopPageInfo(name=shop.name, cart_url=own or shop.cart_url, url=shop.url)

    def _platforms_address(self, shop: Shop, claim: RestoreClaim) -> str:
        """Where the shop's platform brings this cart back by itself; "" where it does not."""
        restoring = [entry for entry in shop.integrations if issubclass(integration.find(entry.name), Restorer)]
        names = self._names_of(claim) if restoring else ()
        for entry in restoring if names else ():
            made = integration.create(entry.name, entry.settings, os.environ)
            address = made.cart_address(names) if isinstance(made, Restorer) else ""
            if address:
                return address
        return ""

    def _names_of(self, claim: RestoreClaim) -> tuple[str, ...]:
        """What platforms call the cart; nothing for one that was ordered, or is gone."""
        with reading(self._engine) as connection:
            saved = looks.cart(connection, claim.shop, claim.cart_id)
            if saved is None or saved.status == "ordered":
                return ()
            return aliases.names_of(connection, claim.shop, saved.visitor, claim.cart_id)

    def saved_cart(self, claim: RestoreClaim) -> SavedCart | None:
        """The cart as it was left; None when it is gone or was ordered meanwhile."""
        with reading(self._engine) as connection:
            saved = looks.cart(connection, claim.shop, claim.cart_id)
        if saved is None or saved.status == "ordered":
            return None
        return SavedCart(currency=saved.cart.currency, lines=saved.cart.lines, delivery_id=claim.delivery_id)

    def _shop(self, shop_id: str) -> Shop:
        found = self._live.shop(shop_id)
        if found is None:
            raise NotFound("this shop is not here any more")
        return found.rules.shop
