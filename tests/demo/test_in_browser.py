"""The shop in a real browser with the real snippet: what leaves, when, and what a shopper sees of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, jsonify, request
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from demo import DemoSettings
from tests.demo.conftest import make_app
from tests.parts import DEADLINE_MS, DEADLINE_S

expect.set_options(timeout=DEADLINE_MS)
DIST = Path(__file__).parents[2] / "snippet" / "dist"
OUTBOX_IS_EMPTY = "() => !Object.keys(localStorage).some((key) => key.includes(':o|'))"
PHONE, DESK = (375, 812), (1440, 900)
SAVED = {"currency": "EUR", "lines": [{"product_id": "mos", "quantity": 2}, {"product_id": "nacht", "quantity": 1}]}


class Bell:
    """Shopbell's part of the origin: the built snippet, and a door that takes every event and may offer chat."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []
        self.news = threading.Condition()
        self.invites = False
        self.address = ""

    def told(self) -> list[str]:
        """The types of what was told. What left with a closing page leaves once more with the next, under one id."""
        return list({str(event["id"]): str(event["type"]) for event in self.events}.values())

    def wait_for(self, kind: str, times: int = 1) -> None:
        with self.news:
            assert self.news.wait_for(lambda: self.told().count(kind) >= times, DEADLINE_S), (kind, self.told())

    def attach(self, app: Flask) -> None:
        @app.get("/<name>.js")
        def script(name: str) -> Response:
            # The card's file name carries a hash of its content, which the dist folder's plain name leaves out.
            plain = "shopbell-ui.js" if name.startswith("shopbell-ui") else "shopbell.js"
            return Response((DIST / plain).read_bytes(), mimetype="text/javascript")

        @app.post("/v1/events")
        def take() -> tuple[Response, int]:
            events: list[dict[str, object]] = json.loads(request.get_data())["events"]
            with self.news:
                self.events += events
                self.news.notify_all()
            invite = {"id": "dec_1", "kind": "invite", "rule": "stuck", "text": "Kom je eruit?", "language": "nl"}
            messages = [{**invite, "actions": [{"open": "chat", "label": "Praat met Sanne"}]}] if self.invites else []
            return jsonify({"accepted": len(events), "messages": messages, "next_check_ms": None}), 202

        @app.get("/v1/carts/<token>")
        def cart(token: str) -> Response:
            return jsonify({"cart": SAVED, "message": f"dec_{token}"})

        @app.get("/dev/why/<visitor>.json")
        def why(visitor: str) -> Response:
            clause = {"text": "leest hulp", "verdict": "met", "seen": "ja", "wanted": "ja"}
            return jsonify(
                {"rules": [{"name": "<b>stuck</b>", "state": "not_yet", "why": visitor, "clauses": [clause]}]}
            )


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell()
    app = make_app(DemoSettings(secret_key="sk"))
    bell.attach(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    bell.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield bell
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"], timeout=DEADLINE_MS
        )
        yield browser
        browser.close()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, bell: Bell) -> Iterator[Page]:
    """A tab at the shop; an error or a broken security policy on any page fails the test."""
    width, height = request.param
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="nl-NL", base_url=f"{bell.address}/demo/"
    )
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda line: wrong.append(line.text) if "Security Policy" in line.text else None)
    page = context.new_page()
    page.set_default_timeout(DEADLINE_MS)
    yield page
    context.close()
    assert wrong == []


def heard(page: Page, event: str) -> None:
    """Wait until the drawer shows that this event has left."""
    page.locator("#log code", has_text=event).first.wait_for(state="attached")


def test_nothing_leaves_before_a_yes_and_then_the_page_knows_its_type(page: Page, bell: Bell) -> None:
    page.goto("nl/help/which-ink")
    page.goto("nl/product/kobalt")
    assert bell.events == []
    page.get_by_role("button", name="Ja, prima").click()
    heard(page, "product_viewed")
    heard(page, "page_viewed")
    expect(page.locator("#log .arrow-in").first).to_be_attached()
    viewed = next(event for event in bell.events if event["type"] == "page_viewed")
    assert isinstance(viewed["page"], dict)
    assert viewed["page"]["type"] == "product"


def test_a_no_is_remembered_and_nothing_ever_leaves(page: Page, bell: Bell) -> None:
    page.goto("nl/")
    page.get_by_role("button", name="Nee, liever niet").click()
    page.goto("nl/product/kobalt")
    expect(page.get_by_role("button", name="Nee, liever niet")).to_be_hidden()
    page.get_by_role("button", name="In winkelmand").click()
    expect(page.get_by_role("heading", name="Winkelmand")).to_be_visible()
    assert bell.events == []
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('shopbell'))") == []


def test_a_whole_visit_tells_each_thing_once(page: Page, bell: Bell) -> None:
    page.goto("nl/product/kobalt")
    page.get_by_role("button", name="Ja, prima").click()
    page.get_by_role("button", name="In winkelmand").click()
    heard(page, "cart_updated")
    page.get_by_role("link", name="Afrekenen").click()
    page.get_by_label("Naam").fill("Noor de Wit")
    page.get_by_label("E-mailadres").fill("noor@example.com")
    page.get_by_label("Vloei mag mij mailen").check()
    page.get_by_role("button", name="Verder").click()
    page.get_by_label("Straat").fill("Kade 3")
    page.get_by_label("Postcode").fill("7201 KM")
    page.get_by_label("Plaats").fill("Zutphen")
    page.get_by_role("button", name="Verder").click()
    heard(page, "contact_given")
    heard(page, "shipping_shown")
    page.get_by_label("Avondbezorging").check()
    expect(page.locator("[data-total]")).to_have_text("€ 24,45")
    page.get_by_role("button", name="Verder").click()
    expect(page.locator("[name=visitor]")).not_to_have_value("")
    page.get_by_role("button", name="Bestellen").click()
    bell.wait_for("order_placed")
    page.wait_for_function(OUTBOX_IS_EMPTY)
    views = bell.told().count("page_viewed")
    page.reload()
    bell.wait_for("page_viewed", views + 1)
    page.wait_for_function(OUTBOX_IS_EMPTY)
    told = bell.told()
    for event in ("cart_updated", "checkout_started", "contact_given", "order_placed", "product_viewed"):
        assert told.count(event) == 1, event
    assert told.count("shipping_shown") == 2


def test_an_accepted_invitation_opens_the_chat_about_this_page(page: Page, bell: Bell) -> None:
    bell.invites = True
    page.goto("nl/help/which-paper")
    page.get_by_role("button", name="Ja, prima").click()
    page.get_by_role("button", name="Praat met Sanne").click()
    chat = page.get_by_role("dialog", name="Chat met Sanne")
    expect(chat).to_contain_text("Waarom drukt inkt door het papier?")
    expect(chat.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("<i>dik?</i>")
    page.keyboard.press("Enter")
    expect(chat.locator("li").nth(1)).to_contain_text("<i>dik?</i>")
    page.keyboard.press("Escape")
    expect(chat).to_be_hidden()


def test_a_restore_link_brings_the_saved_cart_back(page: Page) -> None:
    page.goto("cart?shopbell_cart=tok")
    expect(page.get_by_role("status").first).to_contain_text("Je bewaarde winkelmand staat weer klaar.")
    expect(page.get_by_role("main")).to_contain_text("niet terugzetten: Nacht")
    expect(page.get_by_label("Aantal: Mos")).to_have_value("2")
    assert "shopbell_cart" not in page.url


def test_sixty_times_as_fast_makes_45_seconds_three_quarters_of_one(page: Page) -> None:
    page.goto("nl/help/which-ink?speed=60")
    fast, shortest, longest = page.evaluate(
        """() => new Promise(done => {
            const { now } = demoClock.real;
            const before = now(), start = performance.now(), after = now();
            const look = () => {
                const shortest = now() - after, fast = performance.now() - start;
                done([fast, shortest, now() - before]);
            };
            setTimeout(look, 45000);
        })"""
    )
    assert fast >= 45_000
    assert 60 * shortest - 1 <= fast <= 60 * longest + 1
    assert shortest < 45_000  # so the timer went by the fast clock
    page.goto("nl/")
    page.locator("[data-consent=no]").click()
    expect(page.locator("#speed-clock")).to_be_visible()
    page.goto("nl/?speed=1")
    expect(page.locator("#speed-clock")).to_be_hidden()


def test_the_drawer_opens_and_closes_by_keyboard_and_shows_rules_as_text(page: Page) -> None:
    page.goto("nl/")
    page.get_by_role("button", name="Ja, prima").click()
    heard(page, "page_viewed")
    drawer = page.get_by_role("complementary", name="Achter de schermen")
    if not drawer.is_visible():
        page.get_by_role("button", name="Achter de schermen").press("Enter")
    expect(drawer.locator(".rule b")).to_have_text("<b>stuck</b>")
    expect(drawer.locator(".rule .badge")).to_have_text("nog niet")
    page.get_by_role("button", name="Verberg").press("Enter")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("button", name="Achter de schermen")).to_be_focused()


def test_no_page_scrolls_sideways(page: Page) -> None:
    for path in (
        "nl/",
        "en/category/ink",
        "nl/product/lamp-veer",
        "nl/help/which-ink",
        "nl/help/",
        "en/returns",
        "nl/cart",
    ):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
