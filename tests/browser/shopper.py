"""A shopper at the demo shop, as the tests speak of one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import uuid4

from playwright.sync_api import Locator, Page

INVITED = "Niet gevonden wat je zocht?"
READER_STIRS_EVERY_S = 5
ARTICLES = ("help/which-ink", "help/which-paper", "help/desk-light")

WATCH = """
window.shopbell = window.shopbell || function () { (shopbell.q = shopbell.q || []).push(arguments) };
window.moments = {};
for (const name of ["ready", "message"]) shopbell("on", name, () => { moments[name] ??= performance.now() });
"""
"""Notes in the page, on the page's own clock, when the script was ready and when an invitation came."""


@dataclass
class Shopper:
    """One tab of a shopper's browser."""

    page: Page
    language: str = "nl"

    def open(self, path: str, speed: int = 1) -> None:
        self.page.goto(f"{self.language}/{path}?speed={speed}")

    def agrees_to_be_helped(self) -> None:
        self.page.locator("[data-consent=yes]").click()

    def comes_in(self) -> None:
        """Opens the shop and says yes to the banner; the shop has heard of this visitor."""
        self.open("")
        with self.page.expect_response("**/v1/events"):
            self.agrees_to_be_helped()
        self.page.wait_for_function("() => window.demoVisitor")

    @property
    def visitor(self) -> str:
        """The visitor id, once something has left the browser."""
        return str(self.page.evaluate("window.demoVisitor"))

    # --- reading ---

    @property
    def invitation(self) -> Locator:
        return self.page.get_by_role("region", name="Sanne")

    def reads(self, article: str, speed: int = 60) -> None:
        """Opens an article and moves the mouse over it, which a reader does now and then."""
        self.open(article, speed)
        self.stirs()

    def stirs(self) -> None:
        box = self.page.viewport_size
        assert box
        self.page.mouse.move(box["width"] * 0.6, box["height"] * 0.5)
        self.page.mouse.move(box["width"] * 0.6, box["height"] * 0.6)

    def reads_on_until(self, page_seconds: int) -> None:
        """Stays until this page's own clock, fast or not, shows so many seconds."""
        self.page.wait_for_function("(ms) => performance.now() > ms", arg=page_seconds * 1000)

    def stops_the_clock(self) -> None:
        """From the next page on time passes only by ``passes``, however slow the machine is; the hour stays true."""
        self.page.clock.install(time=time.time() - 3600)
        self.page.clock.pause_at(time.time())

    def passes(self, seconds: int) -> None:
        """So many seconds pass on a clock that was stopped; what left in each was answered before the next."""
        for _ in range(seconds):
            self.page.clock.run_for(1000)
            self.page.evaluate("() => navigator.locks.request('shopbell', () => 'nobody is sending')")

    def reads_on_for(self, seconds: int) -> None:
        """So many seconds pass for somebody who moves the mouse now and then."""
        for start in range(0, seconds, READER_STIRS_EVERY_S):
            self.stirs()
            self.passes(min(READER_STIRS_EVERY_S, seconds - start))

    def moment(self, name: str) -> float:
        """When something happened, in seconds on the page's own clock."""
        return float(self.page.evaluate("(name) => moments[name]", name)) / 1000

    # --- buying ---

    def puts_in_cart(self, product: str) -> None:
        self.open(f"product/{product}")
        self.page.locator(".buy button").click()
        self.page.wait_for_url("**/cart")

    def fills_in_contact(self, email: str, may_mail: bool = True) -> None:
        self.open("checkout/contact")
        self.page.locator("#name").fill("Noor de Wit")
        self.page.locator("#email").fill(email)
        if may_mail:
            self.page.locator("[name=may_mail]").check()
        self.page.locator(".step-buttons button").click()
        self.page.wait_for_url("**/address")

    def fills_in_address(self) -> None:
        self.page.locator("#street").fill("Kade 3")
        self.page.locator("#postcode").fill("7201 KM")
        self.page.locator("#city").fill("Zutphen")
        self.page.locator(".step-buttons button").click()
        self.page.wait_for_url("**/shipping")

    def goes_to_the_shipping_step(self, email: str, product: str = "kobalt", may_mail: bool = True) -> None:
        """Everything up to the page on which delivery turns out to cost € 6,95, which the shop has heard of."""
        self.puts_in_cart(product)
        self.fills_in_contact(email, may_mail)
        self.fills_in_address()
        self.hears("shipping_shown")

    def goes_to_the_payment_step(self, email: str, product: str = "mos") -> None:
        self.goes_to_the_shipping_step(email, product)
        self.page.locator(".step-buttons button").click()
        self.page.wait_for_url("**/payment")

    def pays(self) -> None:
        self.page.locator("#payment-form .step-buttons button").click()
        self.page.wait_for_url("**/thanks")

    def hears(self, event: str) -> None:
        """Waits until this event has left and was answered: the drawer shows both."""
        self.page.locator("#log code", has_text=event).first.wait_for(state="attached")
        self.page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.includes(':o|'))")

    def leaves(self) -> str:
        """Closes the tab; returns the visitor id."""
        visitor = self.visitor
        self.page.close()
        return visitor


def an_address() -> str:
    """An e-mail address that nobody has used."""
    return f"{uuid4().hex[:12]}@shopper.example"
