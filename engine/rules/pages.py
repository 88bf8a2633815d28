"""What kind of page an address is: the shop's own patterns first, then the usual paths of the shop platforms.

A pattern is a path in which ``*`` stands for anything; ``/help/*`` is also ``/help``, capitals and a slash at the end
make no difference, and a language in front (``/nl/help/inkt``) is looked through. A pattern with a ``?`` looks at the
query too, one that begins with ``https://`` at the whole address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import unquote

import re2

from engine.events import PAGE_TYPES
from engine.rules.shop import Shop

_LONGEST = 2_000
# RFC 3986, appendix B; a host with one bracket only is none. urllib's way costs eight times as much.
_PARTS = re.compile(
    r"(?:([^:/?#\[\]]+):)?(?://([^/?#\[\]]*|[^/?#\[\]]*\[[^/?#\[\]]*\][^/?#\[\]]*)(?=[/?#]|\Z))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?\Z",
    re.DOTALL,
)
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
    address = _split(url)
    return address is not None and any(_fits(pattern, text) for text in _texts(address, _part_asked(pattern)))


def _part_asked(pattern: str) -> str:
    """What of an address the pattern is held against: ``/`` path, ``//`` all, ``#`` fragment; ``?`` with the query."""
    part = "#" if "#" in pattern else "//" if pattern.startswith(("http://", "https://")) else "/"
    return part + "?" if "?" in pattern else part


def _texts(address: _Address, part: str) -> list[str]:
    """The texts of an address that patterns for this part are held against, most complete first."""
    scheme_host, path, query, fragment, bare = address
    if part[0] == "#":
        return [f"{path}#{fragment}"]
    tail = f"?{query}" if query and part[-1] == "?" else ""
    if part.startswith("//"):
        return [f"{scheme_host}{path}{tail}"]
    return [path + tail] if bare == path else [path + tail, bare + tail]


class _Address(NamedTuple):
    """An address in small letters; ``bare`` is its path without a language in front."""

    scheme_host: str
    path: str
    query: str
    fragment: str
    bare: str


@lru_cache(maxsize=1024)
def _split(url: str) -> _Address | None:
    found = _PARTS.match(url[:_LONGEST])
    if found is None:
        return None
    scheme, host, path, query, fragment = (part.casefold() for part in found.groups(""))
    path = unquote(path).casefold() or "/"
    bare = _LANGUAGE.sub("", path) or "/"
    return _Address(f"{scheme}://{host}", path, unquote(query).casefold(), unquote(fragment).casefold(), bare)


def _fits(pattern: str, text: str) -> bool:
    """``*`` against text, piece by piece from the left, so that no pattern can take long."""
    wanted = pattern.casefold()
    if wanted.endswith("/*") and text.rstrip("/") == wanted[:-2]:
        return True
    if "?" not in wanted:
        wanted, text = _trimmed(wanted), _trimmed(text)
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


def _trimmed(text: str) -> str:
    return text.rstrip("/") or "/"


class Patterns:
    """Many patterns at once, asked in one pass: which is the first that an address fits?

    Every pattern is asked in the same way as :func:`matches` asks one, by an automaton over all that look at the same
    part of an address.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._like: dict[str, list[int]] = {}
        for number, pattern in enumerate(patterns):
            self._like.setdefault(_part_asked(pattern), []).append(number)
        self._sets = {part: _set_of(patterns[number] for number in numbers) for part, numbers in self._like.items()}

    def first(self, url: str) -> int | None:
        """The number of the first pattern that the address fits."""
        address = _split(url)
        if address is None:
            return None
        found = [
            self._like[part][place]
            for part, automaton in self._sets.items()
            for text in _texts(address, part)
            for place in automaton.Match(_text_asked(part, text)) or ()
        ]
        return min(found, default=None)


def _text_asked(part: str, text: str) -> bytes:
    return (text if part[-1] == "?" else _trimmed(text)).encode(errors="replace")


def _set_of(patterns: Iterable[str]) -> _Automaton:
    options = re2.Options()
    options.dot_nl = True
    options.max_mem = 64 * 1024 * 1024  # of which it takes what it needs
    made: _Automaton = re2.Set.FullMatchSet(options)
    for pattern in patterns:
        made.Add(_expression(pattern))
    made.Compile()
    return made


def _expression(pattern: str) -> str:
    wanted = pattern.casefold()
    whole = ".*".join(re2.escape(piece) for piece in (wanted if "?" in wanted else _trimmed(wanted)).split("*"))
    return f"{whole}|{re2.escape(wanted[:-2])}/*" if wanted.endswith("/*") else whole


class _Automaton(Protocol):
    def Add(self, pattern: str) -> int: ...  # noqa: N802 - re2's own names
    def Compile(self) -> None: ...  # noqa: N802 - the same
    def Match(self, text: bytes) -> list[int] | None: ...  # noqa: N802 - the same


class PageTypes:
    """Page types by address for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        by_pattern = [(name, pattern) for name, patterns in (*shop.pages, *USUAL) for pattern in patterns]
        self._types = [name for name, _ in by_pattern]
        self._patterns = Patterns([pattern for _, pattern in by_pattern])
        self.known = frozenset((*PAGE_TYPES, *(name for name, _ in shop.pages)))
        self._of = lru_cache(maxsize=16_384)(self._find)

    def type_of(self, url: str, declared: str | None = None) -> str:
        """The page's type: what the page declared if that is a type there is, else by its address, else ``other``."""
        if declared is not None and declared in self.known:
            return declared
        return self._of(url[:_LONGEST])

    def _find(self, url: str) -> str:
        first = self._patterns.first(url)
        return self._types[first] if first is not None else self._by_shape(url)

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
