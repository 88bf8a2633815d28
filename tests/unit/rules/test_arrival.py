"""Where a visit came from."""

from __future__ import annotations

import pytest

from engine.clock import DAY, MINUTE
from engine.rules.verdicts import State
from tests.unit.rules.shoppers import Shopper, check

AD = "https://shop.example/inkt?utm_source=Google&utm_medium=cpc&utm_term=zwarte+inkt&gclid=abc"
SEARCH = "https://www.google.nl/search?q=geheim"


def arrives(url: str = "https://shop.example/inkt", referrer: str = "", page_type: str = "product") -> Shopper:
    return Shopper().tells("page_viewed", page={"url": url, "referrer": referrer}, page_type=page_type)


@pytest.mark.parametrize(
    ("text", "referrer", "state"),
    [
        ('referrer: "google.*"', SEARCH, State.MET),
        ("referrer: google.nl", SEARCH, State.MET),
        ("referrer: google.nl/search", SEARCH, State.MET),
        ("referrer: bing.com", SEARCH, State.NOT_MET),
        ('referrer: [bing.com, "~ ^google[.](nl|be)$"]', SEARCH, State.MET),
        ("referrer: direct", "", State.MET),
        ("referrer: direct", "https://shop.example/before", State.MET),
        ("referrer: direct", SEARCH, State.NOT_MET),
        ("referrer: google.nl", "not an address [", State.NOT_MET),
        ("referrer: google.nl", "https://[broken", State.NOT_MET),
    ],
)
def test_the_site_before_the_shop(text: str, referrer: str, state: State) -> None:
    assert check(text, arrives(referrer=referrer)).state is state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("utm: google", State.MET),
        ("utm: {source: google, medium: [cpc, email]}", State.MET),
        ("utm: {source: google, campaign: winter}", State.NOT_MET),
        ('utm: {campaign: "*"}', State.NOT_MET),
        ("utm: {medium: email}", State.NOT_MET),
        ("ad_click", State.MET),
        ("ad_click: google", State.MET),
        ("ad_click: [meta, tiktok]", State.NOT_MET),
        ('search_term: "*inkt*"', State.MET),
        ("search_term: toner", State.NOT_MET),
        ("search_term: {words: zwarte inkt, where: shop}", State.UNKNOWN),
        ("search_term: {words: zwarte inkt, where: outside}", State.MET),
        ("landing_page: product", State.MET),
        ("landing_page: [home, blog]", State.NOT_MET),
        ("landing_page: {url: /inkt}", State.MET),
        ('landing_page: {url: "/papier/*"}', State.NOT_MET),
        ("landing_page: {type: home, url: /inkt}", State.NOT_MET),
    ],
)
def test_a_visit_through_an_advertisement(text: str, state: State) -> None:
    assert check(text, arrives(AD)).state is state


def test_a_visit_without_one() -> None:
    assert check("ad_click", arrives()).state is State.NOT_MET
    assert check("utm: google", arrives()).state is State.NOT_MET


@pytest.mark.parametrize(
    "text", ["referrer: direct", "utm: google", "ad_click", "landing_page: home", "search_term: ink"]
)
def test_before_any_page_nothing_is_known(text: str) -> None:
    assert check(text, Shopper()).state is State.UNKNOWN


def test_the_first_page_of_a_visit_counts_until_the_next_visit() -> None:
    shopper = arrives(AD).later(MINUTE).tells("page_viewed", page={"url": "https://shop.example/faq"}, page_type="faq")
    assert check("ad_click", shopper).met
    shopper.later(DAY).tells("page_viewed", page={"url": "https://shop.example/faq"}, page_type="faq")
    assert check("ad_click", shopper).state is State.NOT_MET
    assert check("landing_page: faq", shopper).met


def test_what_was_searched_for_in_the_shop() -> None:
    shopper = arrives().tells("searched", query="Toner HP", results=3)
    verdict = check('search_term: "toner*"', shopper)
    assert verdict.met
    assert "HP" not in str(verdict.seen)
    assert check("search_term: {words: toner, where: outside}", shopper).state is State.UNKNOWN


def test_queries_of_the_landing_are_not_kept() -> None:
    landing = arrives(AD + "&email=a@b.example", SEARCH).visitor.session.landing
    assert landing is not None
    assert landing.url == "https://shop.example/inkt"
    assert landing.referrer == "google.nl/search"


def test_an_address_with_too_many_parameters_is_read_without_them() -> None:
    shopper = arrives("https://shop.example/x?" + "&".join(f"a{number}=1" for number in range(300)))
    assert check("utm: google", shopper).state is State.NOT_MET
    assert check("landing_page: {url: /x}", shopper).met
