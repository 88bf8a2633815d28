"""A page of the shop, looked at as a browser gets it: will the storefront script run there, and be let in?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from engine import integration
from engine.clock import MINUTE, Clock, describe, from_datetime
from engine.doctor.page import Page, origin_of, read_page
from engine.errors import CallError
from engine.integration import Call, Storefront
from engine.live import LiveKeys, LiveRules
from engine.pipeline import ShopRules
from engine.said import frame, say
from engine.settings import Settings
from engine.standing.lines import Line, Mark
from engine.store.keys import PUBLIC

__all__ = ["Doctor"]
_AS_A_BROWSER = {"Accept": "text/html", "User-Agent": "Mozilla/5.0 (compatible; shopbell doctor)"}
_HOPS = 4
_MOVED = (301, 302, 303, 307, 308)


class Doctor:
    """Looks at pages for whoever connects a shop; ``call`` makes the requests."""

    def __init__(self, live: LiveRules, keys: LiveKeys, settings: Settings, call: Call, clock: Clock) -> None:
        self._live, self._keys, self._settings = live, keys, settings
        self._call, self._clock = call, clock

    def examine(self, url: str) -> list[Line]:
        """What there is to say about the page at that address. Raises CallError when nothing answers there."""
        at, status, body, headers = self._fetch(url)
        if status != 200:
            return [Line("page", Mark.WRONG, say("%(url)s answers %(status)s", url=at, status=status))]
        page = read_page(at, body, headers)
        return [Line("page", Mark.FINE, say("%(url)s answers", url=at)), *self._about(page)]

    def _fetch(self, url: str) -> tuple[str, int, bytes, Mapping[str, str]]:
        """Where it leads, and what is there."""
        for _ in range(_HOPS):
            answered = self._call("GET", url, _AS_A_BROWSER)
            further = answered.headers.get("location", "")
            if answered.status not in _MOVED or not further:
                return url, answered.status, answered.body, answered.headers
            url = urljoin(url, further)
        raise CallError("it leads from one address to another without end", refused=True)

    def _about(self, page: Page) -> Iterator[Line]:
        tags = page.named("shopbell.js")
        if not tags:
            says = say(
                "shopbell.js is not in the page as the server sends it; what adds it later is not seen from here"
            )
            yield Line("tag", Mark.WAITS, says)
            return
        if len(tags) > 1:
            says = say("shopbell.js stands in the page %(count)s times: leave one", count=len(tags))
            yield Line("tag", Mark.WRONG, says)
        tag = tags[0]
        yield from self._about_script(page, tag["src"], tag.get("nonce", ""))
        yield from self._about_key(page, tag)
        yield from self._about_clock(page)

    def _about_script(self, page: Page, src: str, nonce: str) -> Iterator[Line]:
        yield self._served(page, src)
        for what in ("script-src", "connect-src"):
            if not page.allows(what, src, nonce if what == "script-src" else ""):
                origin = origin_of(src)
                says = say(
                    "the page's Content-Security-Policy forbids it: add %(origin)s to %(what)s",
                    origin=origin,
                    what=what,
                )
                yield Line("policy", Mark.WRONG, says)

    def _served(self, page: Page, src: str) -> Line:
        if page.url.startswith("https:") and not src.startswith("https:"):
            return Line("script", Mark.WRONG, say("no browser loads %(src)s on an https page: write https", src=src))
        public_url = self._settings.public_url
        if origin_of(src) not in (origin_of(public_url), page.origin):
            says = say("%(src)s is not at this Shopbell's PUBLIC_URL, %(url)s", src=src, url=public_url)
            return Line("script", Mark.WRONG, says)
        try:
            _, status, _, headers = self._fetch(src)
        except CallError as error:
            return Line("script", Mark.WRONG, frame("%(src)s: %(problem)s", src=src, problem=error.message))
        if status != 200 or "javascript" not in headers.get("content-type", ""):
            return Line("script", Mark.WRONG, say("%(src)s answers %(status)s, and no script", src=src, status=status))
        return Line("script", Mark.FINE, say("%(src)s answers", src=src))

    def _about_key(self, page: Page, tag: Mapping[str, str]) -> Iterator[Line]:
        told = tag.get("data-key", "")
        key = self._keys.find(told) if told else None
        shop = self._live.shop(key.shop) if key is not None and key.kind == PUBLIC else None
        if not told:
            yield Line("key", Mark.WRONG, say("the tag has no data-key"))
        elif told.startswith("sk_"):
            says = say(
                "a secret key stands there for everybody to read: `shopbell keys revoke` it, and use a public one"
            )
            yield Line("key", Mark.WRONG, says)
        elif shop is None:
            yield Line("key", Mark.WRONG, say("%(key)s is no public key of a shop here, or was revoked", key=told))
        else:
            yield Line("key", Mark.FINE, say("%(key)s is of the shop %(shop)s", key=told, shop=shop.id))
            yield self._about_origin(page, tag, shop)
            yield from _about_adapters(page, shop)

    def _about_origin(self, page: Page, tag: Mapping[str, str], shop: ShopRules) -> Line:
        endpoint = tag.get("data-endpoint", "")
        if endpoint and urlsplit(endpoint).netloc == urlsplit(page.url).netloc:
            return Line("origin", Mark.FINE, say("events go to the shop's own %(endpoint)s", endpoint=endpoint))
        # In development the demo shop lives under our own address.
        own = () if self._settings.production else (origin_of(self._settings.public_url),)
        if page.origin in (*shop.rules.shop.origins, *own):
            return Line("origin", Mark.FINE, say("%(origin)s is on the shop's list", origin=page.origin))
        says = say(
            "%(origin)s is not under shop: origins: in the rule file: nothing is taken from there", origin=page.origin
        )
        return Line("origin", Mark.WRONG, says)

    def _about_clock(self, page: Page) -> Iterator[Line]:
        try:
            theirs = from_datetime(parsedate_to_datetime(page.headers.get("date", "")))
        except ValueError:
            return
        off = abs(theirs - self._clock())
        if off > MINUTE:
            yield Line(
                "clock", Mark.WRONG, say("the shop's clock and this machine's differ by %(off)s", off=describe(off))
            )


def _about_adapters(page: Page, shop: ShopRules) -> Iterator[Line]:
    """The scripts of the platforms that the shop's file names."""
    for entry in shop.rules.shop.integrations:
        if not issubclass(integration.find(entry.name), Storefront):
            continue
        there = any("/adapters/" in urlsplit(each["src"]).path for each in page.named(f"{entry.name}.js"))
        name = f"/adapters/{entry.name}.js"
        if there:
            yield Line(entry.name, Mark.FINE, say("%(name)s is in the page", name=name))
        else:
            says = say("%(name)s is not in the page as the server sends it: the cart is not told from here", name=name)
            yield Line(entry.name, Mark.WAITS, says)
