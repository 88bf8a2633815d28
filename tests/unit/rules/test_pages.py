from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import PAGE_TYPES
from engine.rules.pages import USUAL, PageTypes, Patterns, matches
from engine.rules.shop import Shop

USUAL_ADDRESSES = {
    "home": "/ /nl /nl/ /index.html",
    "product": "/products/vulpen /collections/inkt/products/vulpen /product/vulpen/ /vulpen.html /nl/vulpen.html "
    "/winkel-nu/Vulpen-p123456 /store#!/Vulpen/p/123456",
    "category": "/collections/inkt /collections /product-category/inkt/ /shop/ /brands/ /Inkt-c12345 /shop",
    "cart": "/cart /cart/ /nl/cart/ /winkelwagen /store#!/~/cart",
    "checkout": "/checkout /checkout/ /checkouts/c/abc123 /12345/checkouts/abc /afrekenen/ /nl/checkout/payment",
    "search": "/search?q=inkt /search/inkt/ /?s=inkt&post_type=product",
    "account": "/account /account/orders /my-account/ /mijn-account/orders",
    "blog": "/blogs/nieuws/eerste /blog/eerste /blogs/nieuws",
    "faq": "/faq /pages/faq /service/faq/ /veelgestelde-vragen /pages/faqs /nl/faq",
    "returns": "/policies/refund-policy /pages/returns /pages/retourneren /service/shipping-returns/ /retourneren",
    "knowledge_base": "/help/inkt /kennisbank /pages/help-center /service/about/ /nl/klantenservice/inkt /hc/nl",
    "other": "/over-ons /checkout/order-received/123 /checkouts/abc/thank_you /pages/contact /a/b/c",
}


@pytest.mark.parametrize(
    ("page_type", "address"), [(kind, path) for kind, paths in USUAL_ADDRESSES.items() for path in paths.split()]
)
def test_the_usual_addresses_of_shops_are_known(page_type: str, address: str) -> None:
    assert PageTypes(Shop(languages=("nl", "en"))).type_of(f"https://shop.example{address}", None) == page_type


def test_the_usual_addresses_have_usual_types() -> None:
    assert {kind for kind, _ in USUAL} <= set(PAGE_TYPES)


def test_the_shops_own_pages_go_before_the_usual_ones() -> None:
    types = PageTypes(Shop(pages=(("faq", ("/products/vragen",)), ("size_guide", ("/maten/*",)))))
    assert types.type_of("https://shop.example/products/vragen") == "faq"
    assert types.type_of("https://shop.example/products/vulpen") == "product"
    assert types.type_of("https://shop.example/maten/schoenen") == "size_guide"


def test_what_a_page_declares_goes_before_its_address() -> None:
    types = PageTypes(Shop(pages=(("size_guide", ("/maten/*",)),)))
    assert types.type_of("https://shop.example/products/vulpen", "knowledge_base") == "knowledge_base"
    assert types.type_of("https://shop.example/products/vulpen", "size_guide") == "size_guide"
    assert types.type_of("https://shop.example/products/vulpen", "no such type") == "product"
    assert types.type_of("https://shop.example/products/vulpen", "") == "product"


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/help/*", "/help"),
        ("/help/*", "/help/"),
        ("/help/*", "/HELP/Inkt?utm=1#top"),
        ("/help/*", "/nl/help/inkt"),
        ("/help/*", "/nl-be/help/inkt"),
        ("/nl/help/*", "/nl/help/inkt"),
        ("*/inkt", "/a/b/inkt"),
        ("/a/*/c/*/e", "/a/b/c/d/e"),
        ("/café", "/caf%C3%A9"),
        ("/", "/"),
        ("/zoek?q=*", "/zoek?q=inkt"),
        ("https://help.shop.example/*", "https://help.shop.example/inkt"),
    ],
)
def test_a_pattern_fits(pattern: str, address: str) -> None:
    assert matches(pattern, address if address.startswith("https") else f"https://shop.example{address}")


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/help/*", "/helpdesk"),
        ("/help", "/help/inkt"),
        ("/help/*", "/shop/help/inkt"),
        ("/aba*aba", "/aba"),
        ("/zoek?q=*", "/zoek"),
        ("https://help.shop.example/*", "https://shop.example/help"),
        ("/help/*", "http://[broken"),
    ],
)
def test_a_pattern_does_not_fit(pattern: str, address: str) -> None:
    assert not matches(pattern, address)


def test_no_pattern_takes_long() -> None:
    started = time.thread_time()  # this thread's own, whatever else the machine does
    assert not matches("*a" * 8 + "b", "/" + "a" * 100_000)
    assert time.thread_time() - started < 15


@given(st.text(max_size=80), st.text(max_size=20))
def test_every_address_has_a_type(address: str, declared: str) -> None:
    types = PageTypes(Shop())
    assert types.type_of(address, declared) in types.known


_PIECES = st.sampled_from(
    ["/", "*", "?", "#", "a", "é", "b=", ".html", "nl", "help", "[", "+", "(", "https://s.example"]
)
_WRITTEN = st.lists(_PIECES, max_size=7).map("".join)


@given(st.lists(_WRITTEN.filter(bool), max_size=6), _WRITTEN)
def test_many_patterns_at_once_are_asked_as_each_of_them_is(patterns: list[str], path: str) -> None:
    for url in (f"https://s.example/{path}", path):
        alone = next((number for number, pattern in enumerate(patterns) if matches(pattern, url)), None)
        assert Patterns(patterns).first(url) == alone


def test_an_address_that_no_text_can_be_made_of_fits_nothing_and_breaks_nothing() -> None:
    assert PageTypes(Shop()).type_of("https://s.example/\ud800") == "other"
