"""What must hold at the end of the day, whatever the weather was. Pure: from what was seen to what was broken.

Only what Shopbell was told counts against it: a mail comes after an order when the order was answered as taken before
the mail was on its way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.clock import DAY, HOUR, SECOND, Millis
from engine.said import Said, say
from simulator.goods import major
from simulator.life import CAME, SHOP, Kind, Life, Shopper, Story
from simulator.post import Letter

_TELLS_ADDRESS: Final = frozenset([Kind.CONTACT_LEFT, Kind.SHIPPING_CHOSEN])
_LEFT: Final = frozenset([Story.SHOCKED, Story.LEAVES])
"""Who left a cart for good, with address and consent, and must hear of it once that was told."""
_BOUGHT: Final = frozenset([Story.SHOCKED_RETURNS, Story.BUYS, Story.UNPAID, Story.PAYS_LATER])
"""Who ordered before any mail was due."""
_FILLS_CART: Final = frozenset([Kind.CART_CHANGED])
_REMINDED_AFTER: Final = 4 * HOUR
"""Before that no rule that ships reminds anybody of a cart, so what was told by then is known to it."""
_ASKED_WITHIN: Final = 12 * HOUR
"""By then what a webhook only hinted at was asked for, also where the platform was away in between."""
SURVEY: Final = "effort-survey"
BACK: Final = "back-in-stock"
UNPAID: Final = "unpaid-order"
_AFTER_ORDERS: Final = frozenset([SURVEY, BACK, UNPAID])
"""Rules whose mails may follow an order."""
_SURVEYED_AFTER: Final = 2 * DAY
_SURVEY_WITHIN: Final = HOUR
_STOCK: Final = f"stock:{CAME.product.number}"
Goods = frozenset[tuple[str, int]]
SURPRISE: Final = "unexpected-shipping"


@dataclass(frozen=True)
class Mail:
    """A mail as it arrived; ``at`` is its Date, which is when it was claimed to be sent, in whole seconds."""

    to: str
    subject: str
    text: str
    rule: str
    at: Millis
    restore_url: str = ""
    unsubscribe_url: str = ""


@dataclass(frozen=True)
class Seen:
    """All that was seen from outside.

    ``traces``: erased shoppers of whom something is still known. ``unsubscribed``: when Shopbell took it. ``restored``:
    by the links of mails, which goods they brought back, as SKU and quantity. ``silent``: the topics of which the
    platform tells nothing in the end; ``given_up``: how many webhooks it had switched off or forgotten in between. The
    rest is as :class:`~simulator.platform.Platform` has it.
    """

    life: Life
    letters: tuple[Letter, ...]
    mails: tuple[Mail, ...]
    shown: Mapping[str, Millis]
    traces: frozenset[int] = frozenset()
    unsubscribed: Mapping[int, Millis] = field(default_factory=dict)
    restored: Mapping[str, Goods] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    given_up: int = 0
    shown_tells_consent: bool = False
    asks_back: bool = False
    mails_itself: bool = False
    tells_once: frozenset[str] = frozenset()

    def told_at(self, shopper: Shopper, *kinds: Kind) -> Millis | None:
        """When Shopbell first took a letter about one of these."""
        taken = [
            letter.taken_at
            for letter in self.letters
            if letter.taken_at is not None and letter.happening.shopper == shopper and letter.happening.kind in kinds
        ]
        return min(taken, default=None)

    def known_at(self, shopper: Shopper, *kinds: Kind) -> Millis | None:
        """The same, and had the time to ask where it was only told where to look."""
        told_at = self.told_at(shopper, *kinds)
        return told_at + _ASKED_WITHIN if self.asks_back and told_at is not None else told_at

    def when(self, shopper: Shopper, kind: Kind) -> Millis | None:
        """When it happened to them."""
        return next((each.at for each in self.life.happenings if each.shopper == shopper and each.kind is kind), None)

    @property
    def came_back_at(self) -> Millis:
        """When what was sold out was there again."""
        return next(each.at for each in self.life.happenings if each.kind is Kind.STOCKED and each.lines[0] == CAME)

    def mails_by(self, rule: str, shopper: Shopper) -> list[Mail]:
        return [mail for mail in self.mails_to(shopper) if mail.rule == rule]

    def mails_to(self, shopper: Shopper) -> list[Mail]:
        """In the order in which they were sent."""
        return sorted((mail for mail in self.mails if mail.to == shopper.email), key=lambda mail: mail.at)

    def with_story(self, *stories: Story) -> list[Shopper]:
        return [shopper for shopper in self.life.shoppers if shopper.story in stories]


def broken(seen: Seen) -> list[Said]:
    """A sentence for each promise that was not kept."""
    checks = (_too_late, _too_early, _unwanted, _doubled, missing, _wrong, _lost, _silent)
    return [problem for check in checks for problem in check(seen)]


def _too_late(seen: Seen) -> Iterator[Said]:
    """Mails that left although Shopbell knew better."""
    for shopper in seen.life.shoppers:
        stops = {
            say("after the order was told"): seen.known_at(shopper, Kind.ORDERED, Kind.PAID),
            say("after the cart was emptied"): seen.known_at(shopper, Kind.CART_EMPTIED),
            say("after the consent was taken back"): seen.known_at(shopper, Kind.CONSENT_WITHDRAWN),
            say("after the erasure was asked for"): seen.told_at(shopper, Kind.ERASURE_ASKED),
            say("after unsubscribing"): seen.unsubscribed.get(shopper.number),
            say("after the platform had mailed"): seen.when(shopper, Kind.MAILED) if seen.mails_itself else None,
        }
        for mail in seen.mails_to(shopper):
            for why, at in stops.items():
                if at is not None and mail.at > at and mail.rule not in _AFTER_ORDERS:
                    yield say("%(email)s was mailed %(why)s: %(subject)s", email=mail.to, why=why, subject=mail.subject)


def _too_early(seen: Seen) -> Iterator[Said]:
    """Mails about something that is not so, or not yet."""
    back_at = seen.came_back_at
    for shopper in seen.life.shoppers:
        delivered_at = seen.when(shopper, Kind.DELIVERED)
        paid_at = seen.known_at(shopper, Kind.PAID)
        for mail in seen.mails_to(shopper):
            if mail.rule == UNPAID and paid_at is not None and mail.at > paid_at:
                yield say("%(email)s was asked to pay what was paid", email=mail.to)
            if mail.rule == SURVEY and (delivered_at is None or mail.at + SECOND < delivered_at + _SURVEYED_AFTER):
                yield say("%(email)s was asked how it went before it could be said", email=mail.to)
            if mail.rule == BACK and (shopper.story is not Story.WAITS or mail.at + SECOND < back_at):
                yield say("%(email)s was told that something is back which was not missed", email=mail.to)


def _silent(seen: Seen) -> Iterator[Said]:
    for topic in sorted(seen.silent):
        yield say("the platform sends nothing about %(topic)s any more", topic=topic)


def _unwanted(seen: Seen) -> Iterator[Said]:
    for shopper in seen.with_story(Story.NO_CONSENT, Story.NO_ADDRESS):
        for mail in seen.mails_to(shopper):
            yield say("%(email)s was mailed without consent: %(subject)s", email=mail.to, subject=mail.subject)
    for shopper in seen.with_story(Story.ERASED, Story.ERASED_LATER):
        if shopper.number in seen.traces:
            yield say("something is still known of %(email)s, who was erased", email=shopper.email)


def _doubled(seen: Seen) -> Iterator[Said]:
    for (email, subject), count in Counter((mail.to, mail.subject) for mail in seen.mails).items():
        if count > 1:
            yield say("%(email)s got one mail %(count)s times: %(subject)s", email=email, count=count, subject=subject)


def missing(seen: Seen) -> list[Said]:
    """Those who should have heard from the shop; while there is time they still may."""
    left = [
        say("%(email)s left a cart, may be mailed, and was not", email=shopper.email)
        for shopper in seen.with_story(*_LEFT, *([] if seen.mails_itself else [Story.REMINDED]))
        if (_was_told_address(seen, shopper) or _was_shown_consent(seen, shopper)) and not seen.mails_to(shopper)
    ]
    waited = [
        say("%(email)s waited for something that is back, and was not told", email=shopper.email)
        for shopper in seen.with_story(Story.WAITS)
        if _knows_who_waits(seen, shopper) and not seen.mails_by(BACK, shopper)
    ]
    asked = [
        say("%(email)s has it for two days, and was not asked how it went", email=shopper.email)
        for shopper in seen.with_story(Story.BUYS)
        if _has_it_for_long(seen, shopper) and _was_told_address(seen, shopper) and not seen.mails_by(SURVEY, shopper)
    ]
    unpaid = [
        say("%(email)s has not paid yet, and was not helped", email=shopper.email)
        for shopper in seen.with_story(Story.UNPAID)
        if _was_told_of_order(seen, shopper) and not seen.mails_by(UNPAID, shopper)
    ]
    return [*left, *waited, *asked, *unpaid]


def _was_told_of_order(seen: Seen, shopper: Shopper) -> bool:
    """The order, and whose it is."""
    return seen.told_at(shopper, Kind.ORDERED) is not None and _was_told_address(seen, shopper)


def _knows_who_waits(seen: Seen, shopper: Shopper) -> bool:
    """Whether it was told what they look for and how to reach them, and then that it is there again."""
    back = [letter for letter in seen.letters if letter.happening.shopper == SHOP and letter.happening.lines[0] == CAME]
    is_back = any(letter.taken_at for letter in back) or seen.shown.get(_STOCK, 0) >= seen.came_back_at
    told = [seen.told_at(shopper, kind) for kind in (Kind.LOOKED, Kind.SIGNED_UP)]
    return is_back and all(at is not None and at < seen.came_back_at for at in told)


def _has_it_for_long(seen: Seen, shopper: Shopper) -> bool:
    delivered_at = seen.when(shopper, Kind.DELIVERED)
    told_at = seen.known_at(shopper, Kind.DELIVERED)
    asked_at = max(delivered_at or 0, (told_at or 0) - _SURVEYED_AFTER) + _SURVEYED_AFTER + _SURVEY_WITHIN
    return delivered_at is not None and told_at is not None and asked_at < seen.life.ends_at


def _was_told_address(seen: Seen, shopper: Shopper) -> bool:
    """Whether a letter that holds the address was taken; a browser's often does not, nor do some platforms'."""
    return any(
        letter.taken_at is not None
        and letter.happening.shopper == shopper
        and letter.happening.kind in _TELLS_ADDRESS
        and shopper.email.encode() in letter.body
        for letter in seen.letters
    )


def _was_shown_consent(seen: Seen, shopper: Shopper) -> bool:
    left_at = min(each.at for each in seen.life.happenings if each.shopper == shopper and each.kind in _TELLS_ADDRESS)
    return seen.shown_tells_consent and seen.shown.get(f"checkout:{shopper.number}", 0) >= left_at


def _wrong(seen: Seen) -> Iterator[Said]:
    """Mails that say something else than they should, or bring something else back."""
    for shopper in (shopper for shopper in seen.life.shoppers if shopper.story is not Story.WAITS):
        for mail in seen.mails_to(shopper):
            yield from _wrong_link(seen, shopper, mail)
        for mail in seen.mails_to(shopper)[:1]:
            yield from _wrong_about_shipping(seen, shopper, mail)


def _wrong_link(seen: Seen, shopper: Shopper, mail: Mail) -> Iterator[Said]:
    lines = next(each.lines for each in seen.life.happenings if each.shopper == shopper)
    goods = frozenset((line.product.sku, line.quantity) for line in lines)
    if seen.restored.get(mail.restore_url, goods) != goods:
        yield say("the link in a mail to %(email)s brings back another cart", email=mail.to)


def _wrong_about_shipping(seen: Seen, shopper: Shopper, mail: Mail) -> Iterator[Said]:
    """The first mail is about the shipping costs where those were told in time, and names them."""
    shipping = next(each.shipping for each in seen.life.happenings if each.shopper == shopper)
    price = major(shipping.price)
    # In either language: not everything that tells a checkout tells its language.
    if mail.rule == SURPRISE and price not in mail.text and price.replace(".", ",") not in mail.text:
        yield say("the mail to %(email)s does not name the shipping costs of %(price)s", email=mail.to, price=price)
    told_at = seen.told_at(shopper, Kind.SHIPPING_CHOSEN)
    filled_at = min(each.at for each in seen.life.happenings if each.shopper == shopper and each.kind in _FILLS_CART)
    in_time = told_at is not None and told_at < filled_at + _REMINDED_AFTER
    if shopper.story is Story.SHOCKED and in_time and mail.rule not in ("", SURPRISE):
        yield say("the mail to %(email)s is not about the shipping costs that were told", email=mail.to)


def _lost(seen: Seen) -> Iterator[Said]:
    for about in sorted(lost(seen)):
        yield say("nothing tells Shopbell of %(about)s", about=about)
    for letter in seen.letters:
        for answer in letter.answers:
            if 400 <= answer.status < 500 or answer.result == "quarantined":
                what = f"{letter.delivery.topic if letter.delivery else 'browser'} ({letter.about})"
                yield say("%(what)s was refused: %(status)s", what=what, status=answer.status)


def lost(seen: Seen) -> set[str]:
    """What Shopbell was told neither by a webhook nor when it asked: checkouts, orders, consents, erasures.

    A later letter about the same thing tells all that an earlier one did.
    """
    latest, told = dict[str, Millis](), dict(seen.shown)
    for letter in seen.letters:
        if letter.delivery is None or letter.withdrawn or letter.about.partition(":")[0] in seen.tells_once:
            continue
        at = letter.happening.at
        latest[letter.about] = max(latest.get(letter.about, 0), at)
        if letter.taken_at is not None:
            told[letter.about] = max(told.get(letter.about, 0), at)
    return {about for about, at in latest.items() if told.get(about, 0) < at}


def stopped(seen: Seen) -> list[Shopper]:
    """Who ordered in time, and so was never mailed about a cart."""
    return [
        shopper
        for shopper in seen.with_story(*_BOUGHT)
        if all(mail.rule in _AFTER_ORDERS for mail in seen.mails_to(shopper))
    ]


def surprised(seen: Seen) -> list[Mail]:
    """The first mails after unexpected shipping that name what the shopper saw, and bring back what they left."""
    return [
        mail
        for shopper in seen.life.shoppers
        for mail in seen.mails_by(SURPRISE, shopper)[:1]
        if not [*_wrong_link(seen, shopper, mail), *_wrong_about_shipping(seen, shopper, mail)]
    ]


def forgotten(seen: Seen) -> list[Shopper]:
    """Who asked to be erased, and of whom nothing is known any more."""
    erased = seen.with_story(Story.ERASED, Story.ERASED_LATER)
    return [shopper for shopper in erased if shopper.number not in seen.traces]
