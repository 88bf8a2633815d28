"""Who posts events: a shop's browser, by its public key and the page's origin, or its server, by a secret key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import BodyTooLarge, OriginNotAllowed, UnknownKey
from engine.pipeline import ShopRules
from engine.store.heard import NO_SHOP, PAGES, REFUSED, Sound
from engine.store.keys import SECRET, Key
from engine.web.services import Services

BROWSER_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who posts: a shop's browser (public key, or its platform's signature) or its server (secret key)."""

    key: Key
    shop: ShopRules

    @property
    def trusted(self) -> bool:
        return self.key.kind == SECRET


class Stated(NamedTuple):
    """A key as it was shown to us: in the header by a server, in the body by a browser."""

    key: str
    in_header: bool


def stated_key(environ: Mapping[str, Any], batch: dict[str, object]) -> Stated | None:
    """The key that came with the request; None when there is none."""
    authorization = str(environ.get("HTTP_AUTHORIZATION", ""))
    if authorization.startswith("Bearer ") and (secret := authorization.removeprefix("Bearer ")):
        return Stated(secret, in_header=True)
    public = batch.get("key")
    return Stated(public, in_header=False) if isinstance(public, str) and public.startswith("pk_") else None


def identify(house: Services, environ: Mapping[str, Any], stated: Stated | None, size: int) -> Speaker:
    """Who shows this key, with a body of ``size`` bytes. Raises RequestError for whoever may not speak."""
    if stated is None:
        raise UnknownKey("name a public key in 'key', or a secret one as Authorization: Bearer")
    key = house.keys.find(stated.key)
    shop = house.live.shop(key.shop) if key is not None else None
    if key is None or shop is None or (key.kind == SECRET) != stated.in_header:
        house.heard.note(Sound(NO_SHOP, PAGES, REFUSED, "its key is not known, or was revoked"))
        raise UnknownKey("this key is not known")
    if key.kind != SECRET:
        origin = environ.get("HTTP_ORIGIN")
        if not house.allows(origin, shop):
            house.heard.note(Sound(shop.id, PAGES, REFUSED, "its origin is not on the shop's list"), origin or "")
            raise OriginNotAllowed(f"the origin {(origin or 'that was not told')[:100]} is not on the shop's list")
        if size > BROWSER_LIMIT:
            raise BodyTooLarge(f"a browser's body may have at most {BROWSER_LIMIT // 1024} KiB")
        house.limits.addresses.take(str(environ.get("REMOTE_ADDR", "")))
    return Speaker(key, shop)
