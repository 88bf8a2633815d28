"""What kind of page an address is: the shop's own patterns first, then the usual paths of the shop platforms.

A pattern is a path in which ``*`` stands for anything; ``/help/*`` is also ``/help``, capitals and a slash at the end
make no difference, and a language in front (``/nl/help/inkt``) is looked through. A pattern with a ``?`` looks at the
query too, one that begins with ``https://`` at the whole address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from engine.events import PAGE_TYPES
from engine.rules.shop import Shop

_LONGEST = 2_000
_LANGUAGE = re.compile(r"\A/[a-z]{2}(-[a-z]{2,4})?(?=/|\Z)")

USUAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    # The thank-you page lies under the checkout everywhere, but nobody is checking out there any more.
    ("other", ("/checkout/order-received/*", "*/thank_you", "*/thank-you", "*/thankyou", "*/order-confirmation*")),
    ("checkout", ("/checkout/*", "/checkouts/*", "*/checkouts/*", "/afrekenen/*", "/kassa/*", "*#!/~/checkout*")),
    ("cart", ("/cart/*", "/winkelwagen/*", "/winkelmand/*", "/basket/*", "*#!/~/cart*")),
    (
        "returns",
        (
            "/pages/return*", "/pages/retour*", "/policies/refund-policy", "/service/shipping-returns/*",
            "/returns/*", "/return-policy*", "/retour/*", "/retourneren/*", "/ruilen/*", "/service/return*",
            "/service/retour*", "*/herroepingsrecht",
        ),
    ),
    ("faq", ("/faq/*", "/faqs/*", "/pages/faq*", "/veelgestelde-vragen/*", "/pages/veelgestelde*", "/service/faq*")),
    (
        "knowledge_base",
        (
            "/help/*", "/support/*", "/kb/*", "/knowledge*", "/kennisbank/*", "/docs/*", "/hc/*", "/a/help/*",
            "/klantenservice/*", "/customer-service/*", "/pages/help*", "/pages/support*", "/pages/klantenservice*",
            "/service/*",
        ),
    ),
    ("account", ("/account/*", "/my-account/*", "/mijn-account/*", "/customer/*", "/login", "*#!/~/account*")),
    ("search", ("/search/*", "/zoeken/*", "/?s=*", "*/?s=*", "*?post_type=product&s=*", "*#!/~/search*")),
    ("product", ("/products/*", "/collections/*/products/*", "/product/*", "*#!/*/p/*")),
    (
        "category",
        (
            "/collections/*", "/product-category/*", "/product-tag/*", "/product-categorie/*", "/shop/*", "/winkel/*",
            "/category/*", "/categorie/*", "/brands/*", "/collection/*", "/tags/*", "*#!/*/c/*",
        ),
    ),
    ("blog", ("/blogs/*", "/blog/*", "/nieuws/*")),
)  # fmt: skip
"""Page type, then paths: Shopify, WooCommerce, Lightspeed and Ecwid, and Dutch and English everyday names."""

# Ecwid puts the kind in front of the number: /Inkt-zwart-p123456 and /Inkt-c1234.
_ECWID = re.compile(r"/[^/]+-(?P<kind>[pc])\d{4,}\Z")
# Lightspeed's products lie at the root and alone end in .html.
_LIGHTSPEED_PRODUCT = re.compile(r"\A/[^/]+\.html\Z")


def matches(pattern: str, url: str) -> bool:
    """Whether an address fits a pattern."""
    return any(_fits(pattern, form) for form in _forms(url, pattern))


def _forms(url: str, pattern: str) -> list[str]:
    """The texts of an address that a pattern may be held against, most complete first."""
    parts = _split(url)
    if parts is None:
        return []
    scheme_host, path, query, fragment = parts
    if "#" in pattern:
        return [f"{path}#{fragment}"]
    tail = f"?{query}" if "?" in pattern and query else ""
    if pattern.startswith(("http://", "https://")):
        return [f"{scheme_host}{path}{tail}"]
    without_language = _LANGUAGE.sub("", path) or "/"
    return [path + tail] if without_language == path else [path + tail, without_language + tail]


@lru_cache(maxsize=1024)
def _split(url: str) -> tuple[str, str, str, str] | None:
    try:
        parts = urlsplit(url[:_LONGEST])
    except ValueError:
        return None
    path = unquote(parts.path).casefold() or "/"
    host = f"{parts.scheme}://{parts.netloc}".casefold()
    return host, path, unquote(parts.query).casefold(), unquote(parts.fragment).casefold()


def _fits(pattern: str, text: str) -> bool:
    """``*`` against text, piece by piece from the left, so that no pattern can take long."""
    wanted = pattern.casefold()
    if wanted.endswith("/*") and text.rstrip("/") == wanted[:-2]:
        return True
    if "?" not in wanted and len(wanted) > 1:
        wanted, text = wanted.rstrip("/"), text.rstrip("/") or "/"
    first, *rest = wanted.split("*")
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    start, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, start, end)
        if found < 0:
            return False
        start = found + len(piece)
    return True


class PageTypes:
    """Page types by address for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.known = frozenset((*PAGE_TYPES, *(name for name, _ in shop.pages)))
        self._of = lru_cache(maxsize=16_384)(self._find)

    def type_of(self, url: str, declared: str | None = None) -> str:
        """The page's type: what the page declared if that is a type there is, else by its address, else ``other``."""
        if declared is not None and declared in self.known:
            return declared
        return self._of(url[:_LONGEST])

    def _find(self, url: str) -> str:
        for page_type, patterns in (*self._shop.pages, *USUAL):
            if any(matches(pattern, url) for pattern in patterns):
                return page_type
        return self._by_shape(url)

    def _by_shape(self, url: str) -> str:
        parts = _split(url)
        if parts is None:
            return "other"
        path, fragment = parts[1].rstrip("/"), parts[3]
        language = _LANGUAGE.match(path)
        spoken = language is not None and language[0][1:3] in {known[:2] for known in self._shop.languages}
        bare = path[language.end() :] if language is not None and spoken else path
        ecwid = _ECWID.search(bare)
        if ecwid is not None:
            return "product" if ecwid["kind"] == "p" else "category"
        if _LIGHTSPEED_PRODUCT.search(bare) and bare != "/index.html":
            return "product"
        return "home" if bare in ("", "/index.html", "/index.php") and not fragment.startswith("!") else "other"
