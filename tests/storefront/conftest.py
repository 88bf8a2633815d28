"""A workshop with what Shopify's tools need, a browser, and a house whose shop is at Shopify."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.house import House, quick_rules, running_house
from tests.parts import DEADLINE_MS, free_port
from tests.storefront.theme import SECRET, SHOP, Theme, serve

HERE = Path(__file__).parent
APP = HERE.parents[1] / "storefronts" / "shopify"


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app in a folder of its own, with exactly the tools of its lock file."""
    folder = tmp_path_factory.mktemp("shopify") / "app"
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("node_modules"))
    run("npm", "ci", "--prefer-offline", folder=folder)
    return folder


def run(*command: str, folder: Path, told: object = None) -> str:
    """What a tool says to what it is told; what it complained of is in the failure."""
    done = subprocess.run(
        command, cwd=folder, input=json.dumps(told), capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def pixels(workshop: Path) -> Path:
    """The folder with both pixels, built."""
    built = workshop / "built"
    run("node", "build.mjs", str(built), folder=workshop)
    return built


@pytest.fixture(scope="session")
def storefront(workshop: Path) -> Iterator[Theme]:
    """The shop's theme, answering."""
    port = free_port()
    theme = Theme(f"http://127.0.0.1:{port}", embed=lambda page, settings: embed(workshop, page, settings))
    server = serve(theme, port)
    yield theme
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, storefront: Theme) -> Iterator[House]:
    """A house whose shop ``main`` is this one at Shopify; frames without an address may speak as well."""
    origins = f"shop:\n  origins: [{storefront.origin}, sandboxed]\n"
    platform = f"integrations:\n  shopify: {{shop: {SHOP}}}\n"
    rules = quick_rules().replace("shop:\n", origins, 1).replace("integrations:\n", platform, 1)
    with running_house(tmp_path_factory.mktemp("house"), rules, {"SHOPIFY_CLIENT_SECRET": SECRET}) as house:
        storefront.house = house.address
        yield house


@pytest.fixture
def theme(house: House, storefront: Theme) -> Theme:
    """The theme as it is delivered, with nobody logged in and nobody asked."""
    assert storefront.house == house.address
    storefront.settings, storefront.said, storefront.customer = {}, "", ""
    storefront.currency, storefront.keeps_attributes = "EUR", True
    return storefront


def embed(workshop: Path, page: dict[str, object], settings: dict[str, str]) -> str:
    """The app embed's part of a page."""
    block = workshop / "extensions" / "shopbell-embed" / "blocks" / "shopbell.liquid"
    told = {"block": str(block), "page": page, "settings": settings}
    return run("node", str(HERE / "liquid.mjs"), folder=workshop, told=told)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"], timeout=DEADLINE_MS
        )
        yield browser
        browser.close()
