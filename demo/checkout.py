"""Paying: contact, address, delivery (where its price is first seen), payment, thanks."""

from __future__ import annotations

import uuid
from typing import Literal

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response

from demo import forms, wire
from demo import visit as visits
from demo.catalogue import SHIPPING, Language
from demo.shop import Shop, addresses, known_language
from demo.texts import translator
from demo.visit import Order, Visit

Step = Literal["contact", "address", "shipping", "payment"]
STEPS: tuple[Step, ...] = ("contact", "address", "shipping", "payment")
USUAL_WAY = "standard"


def add_checkout(blueprint: Blueprint, shop: Shop) -> None:
    _add_person(blueprint, shop)
    _add_shipping(blueprint, shop)
    _add_payment(blueprint, shop)
    _add_thanks(blueprint, shop)


def _missing(visit: Visit, step: Step) -> str | None:
    """The page to go to first when a step is opened too early."""
    if not visits.lines(visit):
        return "demo.cart"
    if step != "contact" and visit.contact is None:
        return "demo.contact"
    if step in ("shipping", "payment") and visit.address is None:
        return "demo.address"
    return "demo.shipping" if step == "payment" and visits.shipping_price(visit) is None else None


def _step(shop: Shop, language: Language, step: Step, **values: object) -> Response:
    """Draw one step, or lead to the one that comes first."""
    early = _missing(g.visit, step)
    if early:
        return redirect(url_for(early, language=language), 303)
    tell: dict[str, object] = {"checkout": {"step": step, "done": list(STEPS[: STEPS.index(step)])}}
    extra = values.pop("tell", None)
    if isinstance(extra, dict):
        tell.update(extra)
    visit: Visit = g.visit
    if visit.contact and visit.contact.may_mail and step != "contact":
        tell["contact"] = _contact_body(visit, language)
    title = translator(language)(f"step_{step}")
    status = 422 if values.get("errors") else 200
    price = visits.shipping_price(visit)
    return shop.page(
        f"checkout/{step}.html",
        language,
        "checkout",
        title,
        status=status,
        tell=tell,
        step=step,
        steps=STEPS,
        shipping=price,
        total=visits.subtotal(visit) + (price or 0),
        **values,
    )


def _contact_body(visit: Visit, language: Language) -> dict[str, object]:
    assert visit.contact is not None, "called for a known contact only"
    consent = {"email": True, "text": visit.contact.consent_text, "source": "checkout"}
    return {"email": visit.contact.email, "name": visit.contact.name, "language": language, "consent": consent}


def _add_person(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.get("/<language>/checkout/contact")
    def contact(language: str) -> Response:
        return _step(shop, known_language(language), "contact", form=g.visit.contact, errors={})

    @blueprint.post("/<language>/checkout/contact")
    def give_contact(language: str) -> Response:
        ours = known_language(language)
        given, errors = forms.read_contact(request.form, translator(ours)("may_mail"))
        if errors:
            return _step(shop, ours, "contact", form=given, errors=errors)
        g.visit.contact = given
        return redirect(url_for("demo.address", language=ours), 303)

    @blueprint.get("/<language>/checkout/address")
    def address(language: str) -> Response:
        return _step(shop, known_language(language), "address", form=g.visit.address, errors={})

    @blueprint.post("/<language>/checkout/address")
    def give_address(language: str) -> Response:
        ours = known_language(language)
        given, errors = forms.read_address(request.form)
        if errors:
            return _step(shop, ours, "address", form=given, errors=errors)
        g.visit.address = given
        return redirect(url_for("demo.shipping", language=ours), 303)


def _add_shipping(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.get("/<language>/checkout/shipping")
    def shipping(language: str) -> Response:
        ours = known_language(language)
        if _missing(g.visit, "shipping") is None and not g.visit.method:
            g.visit.method = USUAL_WAY  # preselected, so its price is part of the total the shopper now sees
        shown = {code: wire.shipping_body(code, ours) for code in SHIPPING}
        return _step(shop, ours, "shipping", errors={}, tell={"shipping": shown})

    @blueprint.post("/<language>/checkout/shipping")
    def choose_shipping(language: str) -> Response:
        ours = known_language(language)
        chosen = request.form.get("method", "")
        if chosen not in SHIPPING:
            return _step(shop, ours, "shipping", errors={"method": "error_method"})
        g.visit.method = chosen
        return redirect(url_for("demo.payment", language=ours), 303)


def _add_payment(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.get("/<language>/checkout/payment")
    def payment(language: str) -> Response:
        return _step(shop, known_language(language), "payment", errors={})

    @blueprint.post("/<language>/checkout/payment")
    def pay(language: str) -> Response:
        ours = known_language(language)
        way = request.form.get("payment")
        if way == "card":
            tell = {"failed": {"attempt": uuid.uuid4().hex, "method": "card"}}
            return _step(shop, ours, "payment", errors={"payment": "pay_failed"}, tell=tell)
        if way != "ideal":
            return _step(shop, ours, "payment", errors={"payment": "error_payment"})
        early = _missing(g.visit, "payment")
        if early:
            return redirect(url_for(early, language=ours), 303)
        order = visits.place_order(g.visit, forms.read_visitor(request.form.get("visitor", "")))
        _confirm(shop, order, ours)
        return redirect(url_for("demo.thanks", language=ours), 303)


def _confirm(shop: Shop, order: Order, language: Language) -> None:
    """Tell Shopbell from the server: a browser may be closed now, or never have been allowed to speak.

    The event's id follows from the order's, and the browser sends the same one, so it counts once."""
    event: dict[str, object] = {
        "id": order_event_id(order),
        "type": "order_placed",
        "email": order.email,
        "order": wire.order_body(order, language, addresses(language)),
    }
    if order.visitor:
        event["visitor"] = order.visitor
    shop.server.tell(event)


def order_event_id(order: Order) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"vloei:order:{order.id}"))


def _add_thanks(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.get("/<language>/checkout/thanks")
    def thanks(language: str) -> Response:
        ours = known_language(language)
        visit: Visit = g.visit
        order = visit.order
        if order is None:
            return redirect(url_for("demo.cart", language=ours), 303)
        translate = translator(ours)
        told = {"id": order_event_id(order), "order": wire.order_body(order, ours, addresses(ours))}
        name = visit.contact.name if visit.contact else ""
        title = translate("thanks_title", name=name)
        return shop.page("checkout/thanks.html", ours, "other", title, tell={"order": told}, order=order)
