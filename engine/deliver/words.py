"""All that a mail may say, gathered for its template."""

from __future__ import annotations

from typing import NamedTuple

from engine.deliver.look import Look
from engine.events import Order
from engine.links import Links
from engine.messages import SURVEY_ANSWERS, Bought, MailContext, MailOrder
from engine.rules.shop import Shop
from engine.store.deliveries import Claim


class Envelope(NamedTuple):
    """In which language it is, how to get no more of them, and whom it comes from (``Name <address>``)."""

    language: str
    unsubscribe_url: str
    address: str


def context_of(held: Claim, look: Look, order: MailOrder, links: Links, envelope: Envelope) -> MailContext:
    """What is known at this moment of the shop, the shopper, and the cart or order that the mail is about."""
    shop, asks = look.facts.shop, held.kind == "survey"
    shown = look.cart.cart if look.cart else look.order.order if look.order else None
    loyalty, currency = look.facts.visitor.loyalty, shown.currency if shown else shop.currency
    return MailContext(
        language=envelope.language,
        shop_name=shop.name,
        sender_name=envelope.address.split("<")[0].strip() or shop.name,
        order=order,
        currency=currency,
        lines=look.lines,
        total=shown.total if shown else 0,
        shipping_shown=look.cart.shipping_shown if look.cart else None,
        bought=_bought(look.order.order, shop) if look.order else None,
        free_shipping_from=None if asks or look.order else look.facts.free_shipping_in(currency),
        recipient_name=look.person.name,
        restore_url=_way_back(held, look, order, links),
        unsubscribe_url=envelope.unsubscribe_url,
        chat_url=shop.chat_url,
        phone=shop.phone,
        office_hours=shop.office_hours.describe(envelope.language) if shop.office_hours else "",
        shop_address=shop.address,
        shop_url=shop.url,
        points=loyalty.points if loyalty else None,
        answer_urls=_answer_urls(held, links) if asks else (),
    )


def _way_back(held: Claim, look: Look, order: MailOrder, links: Links) -> str:
    if order.cart:
        return links.restore(held.shop, order.cart, held.id)
    return "" if held.kind == "survey" or look.order else look.facts.shop.url


def _bought(order: Order, shop: Shop) -> Bought:
    return Bought(order.discount, order.shipping, order.pay_url or shop.pay_url)


def _answer_urls(held: Claim, links: Links) -> tuple[str, ...]:
    question = links.survey(held.shop, held.visitor, held.id)
    return tuple(f"{question}/{answer}" for answer in SURVEY_ANSWERS)
