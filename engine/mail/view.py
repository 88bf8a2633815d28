"""What a template gets to see: clean, short, formatted, and nothing that it could misuse.

Everything here may have been typed by a stranger (a shopper's name) or by a shop (a product's name), so each text
loses its control characters, each link its right to be anything but a web address.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

import msgspec
from babel import Locale
from babel.numbers import format_currency, format_decimal

from engine.errors import DeliveryRefused
from engine.events import Line
from engine.language import base_language
from engine.messages import MailContext
from engine.money import to_major

ASSURANCES: Final = frozenset({"free_shipping", "free_returns", "loyalty"})
"""What a rule's ``offer`` and ``promise`` may be."""
CALLS: Final = frozenset({"chat", "phone", "mail"})
"""What a rule's ``call`` may be."""
MOST_LINES: Final = 10

_NAME_LENGTH: Final = 120
_PARAGRAPHS: Final = 12
_UNPRINTABLE: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff")
"""Direction overrides, and the two code points that no XML, so no MJML, may hold."""
_LINK_LIKE: Final = re.compile(r"[/:@<>]|www\.|\.[a-z]{2,}", re.IGNORECASE)
_GIVEN_NAME: Final = re.compile(r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿĀ-ſ]+(-[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿĀ-ſ]+)*")
_NO_GIVEN_NAMES: Final = frozenset(
    """de den der dhr dr drs familie fam firma heer het ing ir madam meneer mevr mevrouw miss mr mrs ms mw prof sir
    stichting team ten ter the van vereniging von""".split()
)
"""How names begin in which the family's, a title or a club comes first."""


class LineView(msgspec.Struct, frozen=True):
    """One line of the cart; ``price`` is the whole line's, ``piece`` one piece's where there are more of it."""

    name: str
    variant: str
    quantity: int
    piece: str
    price: str
    url: str
    image_url: str


class SumView(msgspec.Struct, frozen=True):
    """What an order comes to besides its lines: ``discount``, ``shipping``, ``costs`` or ``deducted``."""

    kind: str
    amount: str
    """Empty where it is free."""


class AnswerView(msgspec.Struct, frozen=True):
    """One answer of a survey, and where it leads."""

    value: int
    url: str


class MailView(msgspec.Struct, frozen=True, kw_only=True):
    """The one value templates are given, as ``mail``. Amounts are written out; an empty text means: leave it out."""

    language: str
    subject: str
    shop: str
    shop_url: str
    sender: str
    name: str
    intro: tuple[str, ...]
    """The rule's own paragraphs, instead of the template's."""
    lines: tuple[LineView, ...]
    pictures: bool
    more: int
    """Lines that are not shown."""
    sums: tuple[SumView, ...]
    """What stands between an order's lines and its total; with it they add up."""
    total: str
    pay_url: str
    """Where the order can be paid."""
    shipping: str
    free_shipping_from: str
    free_shipping: bool
    free_returns: bool
    double_points: bool
    usual_points: bool
    points: str
    """What the shopper has already."""
    chat_url: str
    phone: str
    phone_url: str
    office_hours: str
    by_mail: bool
    address: tuple[str, ...]
    restore_url: str
    product_url: str
    """The page of the first product."""
    unsubscribe_url: str
    question: str = ""
    answers: tuple[AnswerView, ...] = ()


def make_view(context: MailContext, language: str, locale: Locale, subject: str) -> MailView:
    """The context as a template may use it. Raises DeliveryRefused for what no mail could say or carry."""
    order = context.order
    assurances = _known({order.offer, order.promise} - {""}, ASSURANCES, "offer or promise")
    calls = _known(set(order.call), CALLS, "call")
    shop_url = web_address(context.shop_url)
    money = Money(context.currency, locale)
    lines = tuple(make_line(line, money, shop_url) for line in context.lines[:MOST_LINES])
    return MailView(
        language=language,
        subject=subject,
        shop=header_text(context.shop_name, "the shop's name"),
        shop_url=shop_url,
        sender=header_text(context.sender_name, "the sender's name"),
        name=_greetable(header_text(context.recipient_name, "the shopper's name")),
        intro=_paragraphs(spoken(order.text, context.language)),
        lines=lines,
        pictures=any(line.image_url for line in lines),
        more=max(0, len(context.lines) - MOST_LINES),
        sums=_sums(context, money),
        total=money.write(context.total) if context.total > 0 else "",
        pay_url=web_address(context.bought.pay_url) if context.bought else "",
        shipping=money.write(context.shipping_shown) if context.shipping_shown else "",
        free_shipping_from=money.write(context.free_shipping_from) if context.free_shipping_from else "",
        free_shipping="free_shipping" in assurances,
        free_returns="free_returns" in assurances,
        double_points=order.offer == "loyalty",
        usual_points=order.promise == "loyalty" and order.offer != "loyalty",
        points=format_decimal(context.points, locale=locale) if context.points else "",
        chat_url=web_address(context.chat_url) if "chat" in calls else "",
        phone=clean(context.phone) if "phone" in calls else "",
        phone_url=_phone_address(context.phone) if "phone" in calls else "",
        office_hours=clean(context.office_hours) if "phone" in calls else "",
        by_mail="mail" in calls,
        address=tuple(filter(None, (clean(line) for line in context.shop_address.splitlines()[:6]))),
        restore_url=web_address(context.restore_url),
        product_url=next((line.url for line in lines if line.url), web_address(context.restore_url)),
        unsubscribe_url=web_address(context.unsubscribe_url),
        question=clean(spoken(order.question, context.language)),
        answers=tuple(AnswerView(value, web_address(url)) for value, url in enumerate(context.answer_urls, 1)),
    )


def clean(text: str, length: int = 200) -> str:
    """One line of text without control characters, direction overrides or lone surrogates, at most ``length`` long."""
    visible = "".join(" " if _is_control(char) else char for char in text[: 4 * length])
    words = " ".join(visible.split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def header_text(text: str, what: str) -> str:
    """A text that will stand in a header. Raises DeliveryRefused where it could start a header of its own."""
    if any(_is_control(char) for char in text):
        raise DeliveryRefused(f"{what} holds a line break or another control character")
    return clean(text)


def web_address(url: str) -> str:
    """The address where it is an absolute http or https one, else nothing: ``javascript:`` is no place to go to."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return ""
    return url if usable and not any(_is_control(char) or char.isspace() for char in url) else ""


def spoken(texts: dict[str, str], tag: str) -> str:
    """The rule's text for a language tag: ``nl-BE`` itself first, then ``nl``; empty where it has none."""
    return texts.get(tag) or texts.get(base_language(tag), "")


class Money:
    """Writes amounts of one currency as a language does: ``Money("EUR", nl).write(695)`` is ``€ 6,95``."""

    def __init__(self, currency: str, locale: Locale) -> None:
        self._currency = currency
        self._locale = locale

    def write(self, minor: int) -> str:
        return format_currency(to_major(minor, self._currency), self._currency, locale=self._locale)


def make_line(line: Line, money: Money, shop_url: str) -> LineView:
    """A cart's line as a mail or page may show it; ``shop_url`` is the only site its link may lead to."""
    known = line.price is not None
    price = line.price or 0
    return LineView(
        name=clean(line.name or line.sku or line.product_id, _NAME_LENGTH),
        variant=clean(line.variant, _NAME_LENGTH),
        quantity=line.quantity,
        piece=money.write(price) if known and line.quantity > 1 else "",
        price=money.write(price * line.quantity) if known else "",
        url=_own_page(line.url, shop_url),
        image_url=web_address(line.image_url),
    )


def _sums(context: MailContext, money: Money) -> tuple[SumView, ...]:
    """An order's own words for what it costs, and whatever else its total holds, so that nothing is left to guess."""
    if context.bought is None:
        return ()
    discount, shipping, rest = context.bought.discount or 0, context.bought.shipping, _rest(context)
    if rest == discount:
        discount = rest = 0  # the lines' prices are those after it
    amounts = {"discount": -discount, "shipping": shipping, "costs": max(0, rest), "deducted": min(0, rest)}
    free = shipping == 0
    shown = {kind: amount for kind, amount in amounts.items() if amount or (free and kind == "shipping")}
    return tuple(SumView(kind, money.write(amount) if amount else "") for kind, amount in shown.items())


def _rest(context: MailContext) -> int:
    """What the total holds beside goods, discount and shipping: taxes and fees, or less than nothing. 0: not known."""
    bought, prices = context.bought, [line.price for line in context.lines]
    if bought is None or not prices or None in prices:
        return 0
    goods = sum((line.price or 0) * line.quantity for line in context.lines)
    return context.total - (goods - (bought.discount or 0) + (bought.shipping or 0))


def _own_page(url: str, shop_url: str) -> str:
    """A product's page, only on the shop's own site: a cart comes from a browser, and may be a stranger's invention."""
    address = web_address(url)
    if not address or not shop_url:
        return ""
    host, home = urlsplit(address).hostname or "", (urlsplit(shop_url).hostname or "").removeprefix("www.")
    return address if host == home or host.endswith(f".{home}") else ""


def _known(asked: set[str], known: frozenset[str], what: str) -> set[str]:
    unknown = sorted(asked - known)
    if unknown:
        raise DeliveryRefused(
            f"no mail has words for the {what} '{clean(unknown[0])}'; known: {', '.join(sorted(known))}"
        )
    return asked


def _paragraphs(text: str) -> tuple[str, ...]:
    blocks = re.split(r"\n\s*\n", text.strip())[:_PARAGRAPHS]
    return tuple(filter(None, (clean(block, 2_000) for block in blocks)))


def _greetable(name: str) -> str:
    """A name to greet with; empty for an advertisement or address that somebody typed where a name belongs.

    People greet by the first name. Where the first word is none for sure, as in "J. Visser" or "Familie de Wit", the
    whole name is kept: too formal is better than wrong.
    """
    if len(name) > 60 or _LINK_LIKE.search(name):
        return ""
    first, _, rest = name.partition(" ")
    is_given = rest and _GIVEN_NAME.fullmatch(first) and first.casefold() not in _NO_GIVEN_NAMES
    return first if is_given else name


def _phone_address(phone: str) -> str:
    # "(0)" is only dialled inside the country, never after +31.
    digits = re.sub(r"[^\d+]", "", phone.replace("(0)", ""))
    return f"tel:{digits}" if re.fullmatch(r"\+?\d{3,15}", digits) else ""


def _is_control(char: str) -> bool:
    return char in _UNPRINTABLE or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
