"""What all pages of the shop share: the visit in its cookie, the frame around a page, and the headers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, abort, g, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from demo import visit as visits
from demo import wire
from demo.articles import ARTICLES
from demo.catalogue import CATEGORIES, FEATURED, LANGUAGES, PRODUCTS, SHIPPING, Language, Product, Text, money
from demo.counter import Counter, ShopbellServer
from demo.texts import BROWSER_TEXTS, translator
from demo.visit import Visit, VisitCookie

CONSENT_COOKIE = "vloei_consent"


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Where Shopbell is and with which keys.

    `endpoint`: base address of Shopbell for the browser, empty for the shop's own origin.
    `server_endpoint`: base address for the shop's own calls; never taken from the request, whose Host header is
    anybody's. Empty: `endpoint`, and without either the shop's server keeps quiet.
    `state_file`: where the agent switch is remembered when several processes serve the shop.
    """

    secret_key: str
    public_key: str = "pk_demo"
    endpoint: str = ""
    server_endpoint: str = ""
    mailbox_url: str = "/dev/mailbox"
    why_url: str = "/dev/why/"
    state_file: Path | None = None


class Shop:
    """The shop behind the pages: settings, the cookie's reader, the counter, and how a page is drawn."""

    def __init__(self, settings: DemoSettings) -> None:
        if not settings.secret_key:
            raise ValueError("the demo shop needs Shopbell's secret key")
        self.settings = settings
        self.server = ShopbellServer(settings.server_endpoint or settings.endpoint, settings.secret_key)
        self.counter = Counter(self.server, settings.state_file)
        self._cookie = VisitCookie(settings.secret_key)

    def attach(self, blueprint: Blueprint) -> None:
        blueprint.before_request(self._open)
        blueprint.after_request(self._close)

    # --- one request -------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if request.method == "POST" and not _from_this_shop():
            abort(403)
        g.visit = self._cookie.read(request)
        g.visit_before = msgspec.json.encode(g.visit)

    def _close(self, response: Response) -> Response:
        if "visit" in g and msgspec.json.encode(g.visit) != g.visit_before:
            self._cookie.write(response, g.visit, secure=request.is_secure)
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Security-Policy", self._policy())
            response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        return response

    def _policy(self) -> str:
        host = f" {self.settings.endpoint}" if self.settings.endpoint else ""
        return (
            f"default-src 'self'; script-src 'self'{host}; connect-src 'self'{host}; img-src 'self'{host} data:; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )

    # --- one page ----------------------------------------------------------------------------------------------------

    def page(
        self,
        template: str,
        language: Language,
        page_type: str,
        title: str,
        *,
        status: int = 200,
        tell: dict[str, object] | None = None,
        **values: object,
    ) -> AnyResponse:
        """Draw a page. `tell` is what its scripts tell Shopbell beyond the page view and the cart."""
        html = render_template(
            f"demo/{template}",
            **self._frame(language),
            page_type=page_type,
            title=title,
            data={**self._facts(language), **(tell or {})},
            **values,
        )
        return make_response(html, status)

    def _frame(self, language: Language) -> dict[str, object]:
        visit: Visit = g.visit
        return {
            "language": language,
            "t": translator(language),
            "other": _other_language_url(language),
            "money": lambda cents: money(cents, language),
            "say": lambda text: _say(text, language),
            "product_url": lambda slug: url_for("demo.product", language=language, slug=slug),
            "categories": list(CATEGORIES.values()),
            "products": PRODUCTS,
            "featured": [PRODUCTS[slug] for slug in FEATURED],
            "articles": list(ARTICLES.values()),
            "ways": SHIPPING,
            "visit": visit,
            "lines": visits.lines(visit),
            "count": visits.count(visit),
            "subtotal": visits.subtotal(visit),
            "settings": self.settings,
            "counter_open": self.counter.open,
            "consent": request.cookies.get(CONSENT_COOKIE, ""),
        }

    def _facts(self, language: Language) -> dict[str, object]:
        translate = translator(language)
        return {
            "cart": wire.cart_body(g.visit, language, addresses(language)),
            "mergeUrl": url_for("demo.merge", language=language),
            "counterUrl": url_for("demo.counter"),
            "whyUrl": self.settings.why_url,
            "texts": {key: translate(key) for key in BROWSER_TEXTS},
        }


def addresses(language: Language) -> wire.Addresses:
    """Absolute addresses for mails: the picture is a PNG, because mail programs do not show SVG."""

    def of(product: Product) -> tuple[str, str]:
        page = url_for("demo.product", language=language, slug=product.slug, _external=True)
        return page, url_for("demo.static", filename=f"img/{product.slug}.png", _external=True)

    return of


def known_language(text: str) -> Language:
    """The language in an address; anything else is a page that does not exist (404)."""
    if text not in LANGUAGES:
        abort(404)
    return "nl" if text == "nl" else "en"


def preferred_language() -> Language:
    """The shopper's own preference of our two languages; Dutch when they have none."""
    return "en" if request.accept_languages.best_match(LANGUAGES) == "en" else "nl"


def _say(text: Text, language: Language) -> str:
    return text.to(language)


def _other_language_url(language: Language) -> str:
    other = "en" if language == "nl" else "nl"
    if request.endpoint is None or "language" not in (request.view_args or {}):
        return url_for("demo.home", language=other)
    return url_for(request.endpoint, **{**(request.view_args or {}), "language": other})


def _from_this_shop() -> bool:
    """Forms come from our own pages. A browser names the origin of a POST; a program that does not has no cookies."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
