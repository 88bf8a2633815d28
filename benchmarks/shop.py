"""The shop that is measured: a hundred rules, and what some thousands of visitors do in it."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import yaml

SHOP = "bench"
ORIGIN = "https://shop.example"
KEY = "pk_demo"
"""Shopbell's web process adds this key in development."""

PATHS = {
    "knowledge_base": "/kennisbank/inkt-{}",
    "faq": "/veelgestelde-vragen/{}",
    "returns": "/retourneren/{}",
    "product": "/product/cartridge-{}",
    "category": "/categorie/printers-{}",
    "search": "/zoeken/{}",
    "cart": "/winkelwagen/{}",
    "checkout": "/afrekenen/{}",
    "account": "/account/{}",
    "blog": "/blog/{}",
}
ONLY = "knowledge_base"
"""The type of every page in a shop of :func:`rule_file` that has only one."""
CATEGORIES = ("ink", "printers", "paper", "toner", "cables")
BUYERS = 0.3
"""The share of visitors who put something in a cart; the others only look around."""
MIX_OF_BUYERS = {"page_viewed": 30, "checked_in": 20, "product_viewed": 15, "cart_updated": 35}
MIX_OF_OTHERS = {"page_viewed": 45, "checked_in": 40, "product_viewed": 15}


# --- the rules --------------------------------------------------------------------------------------------------------


def rule_file(rules: int = 100, *, one_page: bool = False) -> str:
    """A rule file: six in ten look at pages, three at carts that were left, one at what happened before.

    With ``one_page`` every address is a page of one type, and every rule looks at that.
    """
    shop = {
        "id": SHOP,
        "name": "Bench",
        "languages": ["nl", "en"],
        "time_zone": "Europe/Amsterdam",
        "currency": "EUR",
        "origins": [ORIGIN],
    }
    pages: dict[str, list[str]] = {ONLY if one_page else kind: [] for kind in PATHS}
    for kind, path in PATHS.items():
        pages[ONLY if one_page else kind].append(path.format("*"))
    limits = {"invitations": "1 per session, 3 per 7d", "emails": "1 per 24h, 3 per 7d"}
    written = written_rules(rules, one_page=one_page)
    return yaml.safe_dump({"shop": shop, "pages": pages, "limits": limits, "rules": written}, sort_keys=False)


def written_rules(rules: int, *, one_page: bool = False) -> list[dict[str, object]]:
    """The rules as they stand in that file."""
    if one_page:
        return [_page_rule(number, [ONLY]) for number in range(rules)]
    return [_KINDS[number % len(_KINDS)](number) for number in range(rules)]


def _page_rule(number: int, kinds: Sequence[str] = tuple(PATHS)) -> dict[str, object]:
    page: dict[str, object] = {"type": kinds[number * 7 % len(kinds)], "for": f"{40 + number}s"}
    more: tuple[list[dict[str, object]], ...] = (
        [],
        [{"cart": {"total": f">= {20 + number}"}}],
        [{"not": {"happened": {"event": "chat_started", "within": "1d"}}}],
        [{"any": [{"cart": "filled"}, {"happened": {"event": "product_viewed", "at_least": 5, "within": "1h"}}]}],
    )
    return _rule(number, [{"on_page": page}, *more[number % len(more)]], _invitation())


def _cart_rule(number: int) -> dict[str, object]:
    stages = ("cart", "checkout", "shipping", "payment")
    left = {"after": f"{1 + number % 24}h", "at": stages[number % len(stages)]}
    contents = {"total": f">= {10 + number}", "contains": {"category": CATEGORIES[number % len(CATEGORIES)]}}
    mail: dict[str, object] = {"email": {"template": "cart-reminder", "call": ["chat", "phone"]}}
    rule = _rule(number, [{"cart_abandoned": left}, {"cart": contents}, "can_email"], mail)
    return rule | {"until": ["ordered", "cart_emptied", "unsubscribed"], "once_per": "cart"}


def _event_rule(number: int) -> dict[str, object]:
    seen = {"event": "product_viewed", "at_least": 8 + number % 10, "within": "30m"}
    return _rule(number, [{"happened": seen}, {"cart": {"total": f">= {60 + number}"}}], _invitation())


_KINDS: tuple[Callable[[int], dict[str, object]], ...] = (
    _page_rule,
    _page_rule,
    _cart_rule,
    _page_rule,
    _event_rule,
    _page_rule,
    _cart_rule,
    _page_rule,
    _cart_rule,
    _page_rule,
)


def _rule(number: int, when: Sequence[object], step: dict[str, object]) -> dict[str, object]:
    return {"name": f"rule-{number}", "when": when, "then": [step], "holdout": "10%"}


def _invitation() -> dict[str, object]:
    text = {"nl": "Niet gevonden wat je zocht? Ik zoek even met je mee.", "en": "Can't find it? Let me look with you."}
    return {"invite": {"agent": "Sanne", "text": text}}


# --- the visitors -----------------------------------------------------------------------------------------------------


class Visitors:
    """Makes requests as the snippet would. The texts are made once; each request only fills in ids and times."""

    def __init__(self, count: int, seed: int, port: int) -> None:
        self._random = random.Random(seed)
        self._ids = _ids()
        self._visitors = [self._visitor(number) for number in range(count)]
        self._head = (
            f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {ORIGIN}\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: */*\r\n"
            "Accept-Language: nl,en;q=0.7\r\nAccept-Encoding: gzip, deflate, br\r\n"
            f"Referer: {ORIGIN}/\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
        ).encode()

    def request(self, events: int) -> bytes:
        """A whole request of one visitor with so many events, every one of them new."""
        opening, kinds = self._random.choice(self._visitors)
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        chosen = self._random.choices(kinds, k=events)
        body = b"%s%s]}" % (opening % at, b",".join([event % (next(self._ids), at) for event in chosen]))
        return self._head % len(body) + body

    def _visitor(self, number: int) -> tuple[bytes, list[bytes]]:
        visitor, session = (next(self._ids).decode() for _ in range(2))
        opening = {"key": KEY, "sent_at": "%s", "visitor": visitor, "session": session, "tab": "t1"}
        text = json.dumps(opening, separators=(",", ":")).removesuffix("}") + ',"events":['
        pages = [self._page(kind) for kind in self._random.sample(list(PATHS), 3)]
        # Twenty texts in the proportions of the mix: drawing any of them is drawing from the mix.
        mix = MIX_OF_BUYERS if self._random.random() < BUYERS else MIX_OF_OTHERS
        kinds = [kind for kind, share in mix.items() for _ in range(share // 5)]
        texts = [self._event(kind, self._random.choice(pages), cart=f"cart-{visitor}") for kind in kinds]
        return text.encode(), [text.encode() for text in texts]

    def _page(self, kind: str) -> dict[str, object]:
        number = self._random.randrange(1000)
        return {"url": ORIGIN + PATHS[kind].format(number), "title": f"{kind} {number}", "referrer": f"{ORIGIN}/"}

    def _event(self, kind: str, page: dict[str, object], *, cart: str) -> str:
        event: dict[str, object] = {"id": "%s", "type": kind, "at": "%s", "seq": 1, "page": page}
        if kind == "checked_in":
            # Few stay on one page for so long that a rule speaks up.
            long = self._random.random() < 0.03
            event["engaged_ms"] = self._random.randrange(45_000, 170_000) if long else self._random.randrange(35_000)
        elif kind == "product_viewed":
            event["product"] = self._line() | {"currency": "EUR", "stock": 12}
        elif kind == "cart_updated":
            lines = [self._line() | {"quantity": self._random.randint(1, 3)} for _ in range(3)]
            event["cart"] = {"id": cart, "currency": "EUR", "total": "64.90", "lines": lines}
        return json.dumps(event, separators=(",", ":"))

    def _line(self) -> dict[str, object]:
        number = self._random.randrange(1000)
        return {
            "id": f"p{number}",
            "sku": f"SKU-{number}",
            "name": f"Cartridge {number} XL",
            "category": self._random.choice(CATEGORIES),
            "brand": "Epson",
            "price": f"{self._random.randrange(500, 9000) / 100:.2f}",
            "url": f"{ORIGIN}/product/cartridge-{number}",
            "image_url": f"{ORIGIN}/images/cartridge-{number}.jpg",
        }


def _ids() -> Iterator[bytes]:
    """Random UUIDs, which no other run has."""
    while True:
        text = os.urandom(16 * 256).hex().encode()
        for start in range(0, len(text), 32):
            one = text[start : start + 32]
            yield b"%s-%s-4%s-8%s-%s" % (one[:8], one[8:12], one[13:16], one[17:20], one[20:])
