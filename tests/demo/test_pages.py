"""Every page, in both languages: it answers, says which language it is in, and asks nobody else for anything."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from demo import DemoSettings
from demo.articles import ARTICLES
from demo.catalogue import CATEGORIES, LANGUAGES, PRODUCTS, Language, money
from demo.texts import TEXTS
from tests.demo.conftest import make_app
from tests.demo.walk import text_of

PAGES = (
    "",
    *(f"category/{slug}" for slug in CATEGORIES),
    *(f"product/{slug}" for slug in PRODUCTS),
    "help/",
    *(f"help/{slug}" for slug in ARTICLES),
    "returns",
    "about",
    "cart",
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_in_its_language_and_fetches_nothing_from_outside(
    shopper: FlaskClient, language: Language, page: str
) -> None:
    answer = shopper.get(f"/demo/{language}/{page}")
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    outside = [url for url in re.findall(r'(?:src|href|action)="([^"]*)"', answer.text) if re.match(r"\w+:|//", url)]
    assert outside == []
    assert not re.search(r"<script(?![^>]*(?: src=|application/json))|<style|\sstyle=|\son\w+=", answer.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_product_shows_the_price_of_the_catalogue(shopper: FlaskClient, language: Language) -> None:
    for product in PRODUCTS.values():
        text = text_of(shopper, f"/demo/{language}/product/{product.slug}")
        assert " ".join(money(product.price, language).split()) in text
        assert product.story.to(language) in text


def test_prices_are_written_as_people_write_them() -> None:
    assert money(1450, "nl") == "€\u00a014,50"
    assert money(12905, "en") == "€129.05"


def test_the_entrance_leads_to_the_shoppers_language(shopper: FlaskClient) -> None:
    for wish, language in (("en-GB,en;q=0.8", "en"), ("nl", "nl"), ("fr", "nl"), ("", "nl")):
        answer = shopper.get("/demo/?speed=60", headers={"Accept-Language": wish})
        assert answer.headers["Location"] == f"/demo/{language}/?speed=60"


def test_the_cart_of_a_mail_keeps_its_token_and_stays_in_this_shop(shopper: FlaskClient) -> None:
    answer = shopper.get("/demo/cart?shopbell_cart=abc&_external=1&_scheme=javascript")
    assert answer.headers["Location"].startswith("/demo/nl/cart?shopbell_cart=abc")


@pytest.mark.parametrize(
    "path", ["nl/product/goud", "en/category/x", "nl/help/x", "de/", "nl/x/y", "xx/product/kobalt"]
)
def test_what_does_not_exist_is_not_found(shopper: FlaskClient, path: str) -> None:
    assert shopper.get(f"/demo/{path}").status_code == 404


def test_a_sold_out_product_cannot_be_bought(shopper: FlaskClient) -> None:
    page = shopper.get("/demo/nl/product/nacht").text
    assert "Uitverkocht" in page
    assert "/demo/nl/cart/add" not in page
    shopper.post("/demo/nl/cart/add", data={"product": "nacht", "quantity": "1"})
    assert "nog leeg" in text_of(shopper, "/demo/nl/cart")


def test_consent_is_asked_once_and_the_answer_is_remembered(shopper: FlaskClient) -> None:
    page = shopper.get("/demo/nl/").text
    assert 'id="consent"' in page
    assert 'data-choice=""' in page
    assert 'data-consent="yes"' in page
    assert 'data-consent="no"' in page
    for choice in ("yes", "no"):
        shopper.set_cookie("vloei_consent", choice, path="/demo")
        assert f'data-choice="{choice}"' in shopper.get("/demo/nl/").text


def test_a_consent_that_nobody_could_give_counts_as_none(shopper: FlaskClient) -> None:
    shopper.set_cookie("vloei_consent", '"><script>x</script>', path="/demo")
    assert 'data-choice=""' in shopper.get("/demo/nl/").text


def test_the_script_comes_from_where_shopbell_is() -> None:
    settings = DemoSettings(secret_key="sk", endpoint="https://bell.example", public_key='pk"><b>')
    answer = make_app(settings).test_client().get("/demo/en/")
    assert '<script async src="https://bell.example/shopbell.js" data-key="pk&#34;&gt;&lt;b&gt;">' in answer.text
    assert "script-src 'self' https://bell.example" in answer.headers["Content-Security-Policy"]


def test_the_secret_key_is_on_no_page(shopper: FlaskClient) -> None:
    assert "sk_the_shops_own" not in shopper.get("/demo/nl/").text


def test_a_shop_without_a_secret_key_does_not_open() -> None:
    with pytest.raises(ValueError, match="secret key"):
        make_app(DemoSettings(secret_key=""))


def test_every_sentence_is_there_in_both_languages_with_the_same_blanks() -> None:
    for key, text in TEXTS.items():
        assert text.nl, key
        assert text.en, key
        assert set(re.findall(r"{\w+}", text.nl)) == set(re.findall(r"{\w+}", text.en)), key


def test_every_product_has_a_picture_for_pages_and_one_for_mails(app: Flask) -> None:
    client = app.test_client()
    for slug in PRODUCTS:
        for kind in ("svg", "png"):
            with client.get(f"/demo/static/img/{slug}.{kind}") as answer:
                assert answer.status_code == 200, slug
