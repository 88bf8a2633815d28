"""A mail as everything about it is known, and what a mail program sees of it."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec

from engine.events import Line
from engine.messages import MailContext, MailOrder

PEN = Line(
    sku="P1",
    name="Vulpen Hoekwerk",
    variant="Nachtblauw",
    price=3495,
    url="https://inkt.example/p/1",
    image_url="https://cdn.example/pen.jpg",
)
PAPER = Line(sku="P2", name="Notitieboek A5", quantity=2, price=1250, url="https://www.inkt.example/p/2")
SURPRISE = MailOrder(
    template="shipping-surprise", offer="free_shipping", promise="free_returns", call=("chat", "phone")
)
CONTEXT = MailContext(
    language="nl",
    shop_name="Inkt & Papier",
    sender_name="Sanne de Wit",
    order=MailOrder(template="cart-reminder"),
    currency="EUR",
    lines=(PEN, PAPER),
    total=5995,
    shipping_shown=495,
    recipient_name="Anna",
    restore_url="https://bell.example/c/abc?x=1&y=2",
    unsubscribe_url="https://bell.example/u/abc",
    chat_url="https://inkt.example/?chat=1",
    phone="030 123 45 67",
    office_hours="ma–vr 9–17 uur",
    shop_address="Voorstraat 12\n3512 AN Utrecht",
    shop_url="https://inkt.example/",
)


def context(**changes: object) -> MailContext:
    return msgspec.structs.replace(CONTEXT, **changes)


class Page(HTMLParser):
    """What a mail program sees: elements, their attributes, and the words between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        self.words += "" if self._in_style else data

    def all(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}
