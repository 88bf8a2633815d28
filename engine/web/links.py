"""The pages behind a mail's links: leave the list (``/u/``), have a cart back (``/c/``).

Mail programs and virus scanners open links on their own, so GET changes nothing: only POST unsubscribes, be it the
page's button or a mail program's one click (RFC 8058), both without cookies. No page shows an address.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from flask import Blueprint, Response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from engine.errors import LinkError, NotFound, ShopbellError, StoreError
from engine.events import Line
from engine.language import Catalogues, locale_for
from engine.links import Links, RestoreClaim, SurveyClaim, UnsubscribeClaim
from engine.mail.view import LineView, Money, make_line, web_address
from engine.messages import SURVEY_ANSWERS
from engine.money import to_major

CART_PARAMETER: Final = "shopbell_cart"
CATALOGUES: Final = Catalogues(Path(__file__).parent / "locale")
Claim = RestoreClaim | UnsubscribeClaim | SurveyClaim

_CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src http: https:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class ShopPageInfo(msgspec.Struct, frozen=True):
    """What pages say of a shop; ``cart_url`` and ``url`` are the shop's own settings and may be empty."""

    name: str
    cart_url: str = ""
    url: str = ""


class SavedCart(msgspec.Struct, frozen=True):
    """A cart as it was left; prices in minor units of ``currency``."""

    currency: str
    lines: tuple[Line, ...]
    delivery_id: str = ""
    """The message that led here; the link's own when empty."""


class LinkActions(Protocol):
    """What the pages need of the store. Each may raise NotFound (gone) or StoreError (not now)."""

    def unsubscribe(self, claim: UnsubscribeClaim) -> None:
        """Stop this person's mails of this shop, before the next dot; the second time changes nothing."""

    def is_unsubscribed(self, claim: UnsubscribeClaim) -> bool: ...

    def answer(self, claim: SurveyClaim, answer: int) -> None:
        """Note the answer to a survey; the first one counts, and saying it twice changes nothing."""

    def language_of(self, claim: Claim) -> str:
        """The person's language, the shop's where it is not known."""

    def shop_of(self, claim: Claim) -> ShopPageInfo: ...

    def saved_cart(self, claim: RestoreClaim) -> SavedCart | None:
        """The cart as it was saved; None when it was emptied, bought or erased."""


def create_blueprint(links: Links, actions: LinkActions) -> Blueprint:
    """``/u/<token>``, ``/c/<token>`` and ``/v1/carts/<token>``, with their style sheet under ``/link-assets/``."""
    blueprint = Blueprint(
        "links", __name__, template_folder="templates", static_folder="static", static_url_path="/link-assets"
    )
    pages = _Pages(links, actions)
    blueprint.add_url_rule("/u/<token>", "unsubscribe", pages.ask_to_unsubscribe)
    blueprint.add_url_rule("/u/<token>", "unsubscribed", pages.unsubscribe, methods=["POST"])
    blueprint.add_url_rule("/c/<token>", "restore", pages.restore)
    blueprint.add_url_rule("/v1/carts/<token>", "cart", pages.cart)
    blueprint.add_url_rule("/s/<token>/<int:answer>", "survey", pages.ask_to_answer)
    blueprint.add_url_rule("/s/<token>/<int:answer>", "answered", pages.answer, methods=["POST"])
    blueprint.register_error_handler(ShopbellError, _explain)
    blueprint.after_request(_guard)
    return blueprint


class _Pages:
    def __init__(self, links: Links, actions: LinkActions) -> None:
        self._links = links
        self._actions = actions

    def ask_to_unsubscribe(self, token: str) -> str:
        claim = self._links.read_unsubscribe(token)
        return self._unsubscribe_page(claim, done=self._actions.is_unsubscribed(claim))

    def unsubscribe(self, token: str) -> str:
        claim = self._links.read_unsubscribe(token)
        self._actions.unsubscribe(claim)
        return self._unsubscribe_page(claim, done=True)

    def _unsubscribe_page(self, claim: UnsubscribeClaim, *, done: bool) -> str:
        page = _Page(self._actions.language_of(claim))
        return page.render("unsubscribe.html", shop=self._shop(claim), done=done)

    def restore(self, token: str) -> AnyResponse | str:
        claim = self._links.read_restore(token)
        shop = self._shop(claim)
        if shop.cart_url:
            return redirect(with_parameter(shop.cart_url, CART_PARAMETER, token), 303)
        cart = self._saved_cart(claim)
        page = _Page(self._actions.language_of(claim))
        return page.render("cart.html", shop=shop, lines=page.lines(cart, shop.url))

    def cart(self, token: str) -> Response:
        claim = None
        try:
            claim = self._links.read_restore(token)
            cart = self._saved_cart(claim)
        except ShopbellError as error:
            # The link of a mail that we sent was followed, also when the cart is gone.
            told = {"message": claim.delivery_id} if claim is not None and isinstance(error, NotFound) else {}
            return _json({"error": {"code": _code(error), "message": error.message}, **told}, _status(error))
        lines = [_wire_line(line, cart.currency) for line in cart.lines]
        message = cart.delivery_id or claim.delivery_id
        return _json({"cart": {"currency": cart.currency, "lines": lines}, "message": message})

    def ask_to_answer(self, token: str, answer: int) -> str:
        return self._survey_page(self._read_answer(token, answer), answer, done=False)

    def answer(self, token: str, answer: int) -> str:
        claim = self._read_answer(token, answer)
        self._actions.answer(claim, answer)
        return self._survey_page(claim, answer, done=True)

    def _read_answer(self, token: str, answer: int) -> SurveyClaim:
        if answer not in SURVEY_ANSWERS:
            raise LinkError("this is none of the answers")
        return self._links.read_survey(token)

    def _survey_page(self, claim: SurveyClaim, answer: int, *, done: bool) -> str:
        page = _Page(self._actions.language_of(claim))
        most = SURVEY_ANSWERS[-1]
        return page.render("survey.html", shop=self._shop(claim), answer=answer, most=most, done=done)

    def _shop(self, claim: Claim) -> ShopPageInfo:
        shop = self._actions.shop_of(claim)
        return ShopPageInfo(shop.name, web_address(shop.cart_url), web_address(shop.url))

    def _saved_cart(self, claim: RestoreClaim) -> SavedCart:
        cart = self._actions.saved_cart(claim)
        if cart is None or not cart.lines:
            raise NotFound("this cart is no longer kept")
        return cart


class _Page:
    """One page in the language that fits: the person's, the browser's for links that name nobody."""

    def __init__(self, *wanted: str) -> None:
        browser = request.accept_languages.best_match(CATALOGUES.languages)
        self.wanted = next(filter(None, wanted), browser or "")
        self.language = CATALOGUES.choose(self.wanted)

    def render(self, template: str, **values: object) -> str:
        return render_template(f"links/{template}", language=self.language, t=_translator(self.language), **values)

    def lines(self, cart: SavedCart, shop_url: str) -> list[LineView]:
        money = Money(cart.currency, locale_for(self.wanted, self.language))
        return [make_line(line, money, shop_url) for line in cart.lines]


def with_parameter(url: str, name: str, value: str) -> str:
    """The address with one query parameter set; the rest of the query and the fragment stay."""
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*query, (name, value)])))


def _translator(language: str) -> Callable[..., Markup]:
    translations = CATALOGUES.translations(language)

    def translate(message: str, **values: object) -> Markup:
        return Markup(translations.gettext(message)) % values  # noqa: S704 - the texts are ours, the values escaped

    return translate


def _wire_line(line: Line, currency: str) -> dict[str, object]:
    return {
        "sku": line.sku,
        "product_id": line.product_id,
        "name": line.name,
        "variant": line.variant,
        "quantity": line.quantity,
        "price": None if line.price is None else str(to_major(line.price, currency)),
        "url": web_address(line.url),
        "image_url": web_address(line.image_url),
    }


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, mimetype="application/json")


def _explain(error: ShopbellError) -> tuple[str, int, dict[str, str]]:
    """A page for a link that cannot be honoured: what happened, and nothing to be afraid of."""
    headers = {"Retry-After": "5"} if isinstance(error, StoreError) else {}
    return _Page().render("problem.html", code=_code(error)), _status(error), headers


def _status(error: ShopbellError) -> int:
    return {"expired": 410, "unavailable": 503}.get(_code(error), 404)


def _code(error: ShopbellError) -> str:
    if isinstance(error, LinkError):
        return "expired" if error.expired else "unknown_link"
    return "gone" if isinstance(error, NotFound) else "unavailable"


def _guard(response: Response) -> Response:
    """No script, no frame, no trace in anybody's cache, referrer or search engine; the cart's JSON for any shop."""
    headers = response.headers
    if request.endpoint == "links.static":
        return response
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cache-Control"] = "no-store"
    headers["X-Robots-Tag"] = "noindex, nofollow"
    headers["Content-Security-Policy"] = _CONTENT_POLICY
    if request.endpoint == "links.cart":
        # The token is the key, and cookies are not looked at, so any origin may ask.
        headers["Access-Control-Allow-Origin"] = "*"
    return response
