"""What links in mails do, over SQL."""

from __future__ import annotations

from sqlalchemy import Engine

from engine import identify
from engine.errors import NotFound
from engine.links import RestoreClaim, UnsubscribeClaim
from engine.live import LiveRules
from engine.rules.shop import Shop
from engine.store import looks
from engine.store.database import reading
from engine.store.suppress import suppress
from engine.web.links import SavedCart, ShopPageInfo


class SqlLinkActions:
    """See :class:`engine.web.links.LinkActions`."""

    def __init__(self, engine: Engine, live: LiveRules) -> None:
        self._engine = engine
        self._live = live

    def unsubscribe(self, claim: UnsubscribeClaim) -> None:
        """Effective before the next last byte; saying it twice changes nothing."""
        with reading(self._engine) as connection:
            person = looks.person(connection, claim.shop, claim.person_id)
        # Somebody who was erased meanwhile has no address here any more, and so nothing to stop.
        if person is not None:
            address = identify.hash_of(claim.shop, person.email)
            suppress(self._engine, claim.shop, person.id, address, "unsubscribed", claim.delivery_id)

    def is_unsubscribed(self, claim: UnsubscribeClaim) -> bool:
        with reading(self._engine) as connection:
            person = looks.person(connection, claim.shop, claim.person_id)
        return person is None or person.unsubscribed_at is not None

    def language_of(self, claim: UnsubscribeClaim | RestoreClaim) -> str:
        shop = self._shop(claim.shop)
        if isinstance(claim, RestoreClaim):
            with reading(self._engine) as connection:
                saved = looks.cart(connection, claim.shop, claim.cart_id)
                seen = looks.visitor(connection, claim.shop, saved.visitor) if saved else None
            return shop.speaks(seen.state.language if seen else "")
        with reading(self._engine) as connection:
            person = looks.person(connection, claim.shop, claim.person_id)
        return shop.speaks(person.language if person else "")

    def shop_of(self, claim: UnsubscribeClaim | RestoreClaim) -> ShopPageInfo:
        shop = self._shop(claim.shop)
        return ShopPageInfo(name=shop.name, cart_url=shop.cart_url, url=shop.url)

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
