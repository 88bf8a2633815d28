"""The app embed and the app's files: what Shopify would refuse, and what a page gets."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from integrations.shopify import Shopify
from tests.storefront.conftest import APP, HERE, embed, run

EXTENSIONS = APP / "extensions"
EMBED = EXTENSIONS / "shopbell-embed"
BLOCK = EMBED / "blocks" / "shopbell.liquid"
CART = {"item_count": 1, "token": "abc", "currency": {"iso_code": "EUR"}, "items": [{"product_title": "</script><b>"}]}
SETTINGS = {"server": "https://bell.shop.example/", "key": "pk_1"}


def page(kind: str = "product", **more: object) -> dict[str, object]:
    return {"request": {"page_type": kind, "locale": {"iso_code": "nl"}}, "cart": {"item_count": 0}} | more


def schema() -> dict[str, Any]:
    found = re.search(r"{% schema %}(.*){% endschema %}", BLOCK.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


# --- what Shopify checks ----------------------------------------------------------------------------------------------


def theme_check(workshop: Path, extension: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("node", str(HERE / "theme_check.mjs"), str(extension), folder=workshop))
    return told


def test_shopifys_theme_check_finds_nothing(workshop: Path) -> None:
    assert theme_check(workshop, EMBED) == {"files": 5, "found": []}


@pytest.mark.parametrize(
    ("right", "wrong", "check"),
    [
        ("{%- endif -%}\n\n{% schema %}", "\n{% schema %}", "LiquidHTMLSyntaxError"),
        ("    async\n", "\n", "ParserBlockingScript"),
    ],
)
def test_it_would_find_what_is_wrong(workshop: Path, tmp_path: Path, right: str, wrong: str, check: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(EMBED, broken)
    text = BLOCK.read_text(encoding="utf-8")
    assert right in text
    (broken / "blocks" / "shopbell.liquid").write_text(text.replace(right, wrong), encoding="utf-8")
    found = theme_check(workshop, broken)["found"]
    assert any(line.startswith(check) for line in found), found


def test_the_block_is_an_app_embed_whose_every_word_is_there_in_both_languages() -> None:
    told = schema()
    assert told["target"] == "head"
    keys = set(re.findall(r'"t:([a-z_.]+)"', json.dumps(told)))
    for name in ("en.default", "nl"):
        words = json.loads((EMBED / "locales" / f"{name}.schema.json").read_text(encoding="utf-8"))
        assert keys == set(_paths(words)), name


def _paths(words: dict[str, Any], before: str = "") -> list[str]:
    found = []
    for name, value in words.items():
        found += _paths(value, f"{before}{name}.") if isinstance(value, dict) else [f"{before}{name}"]
    return found


def test_its_settings_have_names_of_their_own_and_a_choice_has_its_default() -> None:
    settings = [one for one in schema()["settings"] if one["type"] != "paragraph"]
    assert [one["id"] for one in settings] == ["server", "key", "path", "consent", "help_pages"]
    [choice] = [one for one in settings if one["type"] == "select"]
    assert choice["default"] in [option["value"] for option in choice["options"]]
    assert set(re.findall(r"block\.settings\.(\w+)", BLOCK.read_text())) == {one["id"] for one in settings}


def test_the_extensions_say_what_they_are() -> None:
    assert toml(EMBED / "shopify.extension.toml")["type"] == "theme"
    pixel = toml(EXTENSIONS / "shopbell-pixel" / "shopify.extension.toml")
    assert (pixel["type"], pixel["runtime_context"]) == ("web_pixel_extension", "strict")
    assert pixel["customer_privacy"]["analytics"] is True
    used = re.findall(r"sandbox\.settings\.(\w+)", (EXTENSIONS / "shopbell-pixel" / "src" / "index.js").read_text())
    assert set(used) == set(pixel["settings"]["fields"])


def test_the_app_names_the_mandatory_topics_alone_and_passes_pages_on() -> None:
    app = toml(APP / "shopify.app.toml")
    [asked] = app["webhooks"]["subscriptions"]
    assert set(asked) == {"compliance_topics", "uri"}
    assert asked["compliance_topics"] == ["customers/data_request", "customers/redact", "shop/redact"]
    assert set(asked["compliance_topics"]) <= set(Shopify.topics)
    assert asked["uri"].endswith("/hooks/shopify/<shop.id>")
    assert app["app_proxy"]["url"].endswith("/proxy/shopify/<shop.id>")
    assert f"/{app['app_proxy']['prefix']}/{app['app_proxy']['subpath']}" == _default("path")
    needed = {
        "read_orders",
        "read_customers",
        "read_inventory",
        "write_pixels",
        "read_customer_events",
        "write_app_proxy",
    }
    assert needed <= set(app["access_scopes"]["scopes"].split(","))


def _default(setting: str) -> str:
    return str(next(one["default"] for one in schema()["settings"] if one.get("id") == setting))


# --- what a page gets -------------------------------------------------------------------------------------------------


def test_a_page_gets_both_scripts_with_the_shops_settings(workshop: Path) -> None:
    html = embed(workshop, page(), SETTINGS)
    assert 'src="https://bell.shop.example/shopbell.js"' in html
    assert 'src="https://bell.shop.example/adapters/shopify.js"' in html
    assert 'data-key="pk_1"' in html
    assert 'data-endpoint="/apps/shopbell"' in html
    assert 'data-shopbell-consent="shopify"' in html
    assert 'data-consent="granted"' not in html
    assert 'shopbell("page", { type: "product", language: "nl" });' in html
    assert "data-shopbell-cart" not in html
    assert "{%" not in html


@pytest.mark.parametrize(
    ("kind", "handle", "becomes"),
    [
        ("index", "", "home"),
        ("collection", "", "category"),
        ("cart", "", "cart"),
        ("article", "", "article"),
        ("policy", "", "knowledge_base"),
        ("page", "which-ink", "knowledge_base"),
        ("page", "about-us", "page"),
    ],
)
def test_a_page_is_called_what_the_rules_call_it(workshop: Path, kind: str, handle: str, becomes: str) -> None:
    settings = SETTINGS | {"help_pages": "shipping, which-ink"}
    assert f'type: "{becomes}"' in embed(workshop, page(kind, page={"handle": handle}), settings)


def test_the_cart_comes_with_the_page_and_breaks_out_of_nothing(workshop: Path) -> None:
    html = embed(workshop, page(cart=CART), SETTINGS)
    [told] = re.findall(r'<script type="application/json" data-shopbell-cart>(.*?)</script>', html)
    assert json.loads(told) == CART
    assert 'data-shopbell-currency="EUR"' in html


def test_what_a_shop_types_stays_in_its_attribute(workshop: Path) -> None:
    html = embed(workshop, page(), {"server": 'https://x"><script>', "key": '"><img>', "path": '"><b>'})
    assert "<img>" not in html
    assert "<b>" not in html
    assert html.count("<script") == 3


def test_a_shop_may_send_to_shopbell_itself_and_need_no_consent(workshop: Path) -> None:
    html = embed(workshop, page(), SETTINGS | {"path": "", "consent": "granted"})
    assert "data-endpoint" not in html
    assert 'data-consent="granted"' in html


@pytest.mark.parametrize("missing", ["server", "key"])
def test_without_an_address_or_a_key_there_is_nothing(workshop: Path, missing: str) -> None:
    assert embed(workshop, page(), SETTINGS | {missing: " "}).strip() == ""
