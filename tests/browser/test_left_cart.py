"""The cart that was left at the shipping costs: one honest mail, on any device, and none to who should not get it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import NewShopper
from tests.browser.house import House, Mail
from tests.browser.shopper import Shopper, an_address

RULE = "unexpected-shipping"


def link(mail: Mail, kind: str) -> str:
    """The mail's restore (``c``) or unsubscribe (``u``) link, from its plain text."""
    return next(word for word in mail["text"].split() if urlsplit(word).path.startswith(f"/{kind}/"))


def leaves_at_shipping(shopper: Shopper, house: House) -> tuple[str, Mail]:
    """Goes to the shipping step, sees what it costs, closes the tab; returns the visitor and the mail that comes."""
    email = an_address()
    shopper.goes_to_the_shipping_step(email)
    visitor = shopper.leaves()
    mail = house.wait_for_mail(email)
    house.wait_until(lambda: house.deliveries(visitor) == [(RULE, "sent")], "the mail to be known as sent")
    return visitor, mail


def test_who_leaves_at_the_shipping_costs_gets_a_mail_that_names_them(house: House, shopper: Shopper) -> None:
    _, mail = leaves_at_shipping(shopper, house)
    assert mail["subject"] == "Over de verzendkosten bij Vloei"
    text = mail["text"].replace("\xa0", " ")
    assert "Bij het bestellen zag je € 6,95 aan verzendkosten." in text
    assert "* Kobalt, Vulpeninkt, 50 ml: € 14,50" in text
    assert "Terugsturen is gratis." in text
    assert "+31 575 00 00 00" in text
    headers = dict(mail["headers"])
    assert headers["From"] == "Sanne van Vloei <sanne@vloei.example>"
    assert headers["List-Unsubscribe"] == f"<{link(mail, 'u')}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_english_shopper_is_written_to_in_english(house: House, new_shopper: NewShopper) -> None:
    shopper = new_shopper("en")
    shopper.comes_in()
    _, mail = leaves_at_shipping(shopper, house)
    assert mail["subject"] == "About the shipping costs at Vloei"
    assert "While ordering you saw €6.95 for shipping." in mail["text"]
    assert "* Kobalt, Fountain pen ink, 50 ml: €14.50" in mail["text"]


def test_the_mailbox_shows_the_mail_as_the_shopper_sees_it(
    house: House, shopper: Shopper, new_device: Callable[[], BrowserContext]
) -> None:
    _, mail = leaves_at_shipping(shopper, house)
    page = new_device().new_page()
    page.goto("/dev/mailbox")
    page.get_by_role("listitem").filter(has_text=mail["to"].split("<")[-1].rstrip(">")).get_by_role("link").click()
    shown = page.frame_locator("iframe")
    expect(shown.get_by_text("€ 6,95")).to_be_visible()
    picture = shown.get_by_role("img", name="Kobalt")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    with page.expect_popup() as opened:
        shown.get_by_role("link", name="Verder met mijn winkelwagen").click()
    expect(opened.value.get_by_label("Aantal: Kobalt")).to_have_value("1")


def test_the_mail_s_link_adds_the_saved_cart_to_the_cart_of_another_device(
    house: House, shopper: Shopper, new_shopper: NewShopper
) -> None:
    visitor, mail = leaves_at_shipping(shopper, house)
    elsewhere = new_shopper()
    elsewhere.comes_in()
    elsewhere.puts_in_cart("mos")
    elsewhere.page.goto(link(mail, "c"))
    expect(elsewhere.page.get_by_role("status").first).to_contain_text("Je bewaarde winkelmand staat weer klaar.")
    expect(elsewhere.page.get_by_label("Aantal: Mos")).to_have_value("1")
    expect(elsewhere.page.get_by_label("Aantal: Kobalt")).to_have_value("1")
    assert "shopbell_cart" not in elsewhere.page.url
    house.wait_until(lambda: sorted(house.outcomes(visitor)) == ["clicked", "restored"], "both to be written down")


def test_unsubscribing_takes_a_click_on_the_page_and_lasts(
    house: House, shopper: Shopper, new_shopper: NewShopper
) -> None:
    visitor, mail = leaves_at_shipping(shopper, house)
    email = mail["to"].split("<")[-1].rstrip(">")
    reader = new_shopper().page
    reader.goto(link(mail, "u"))
    assert house.why(visitor, RULE)["state"] == "running"  # looking at the page changed nothing
    reader.get_by_role("button").click()
    expect(reader.get_by_role("button")).to_have_count(0)
    assert "unsubscribed" in house.why(visitor, RULE)["why"]
    again = new_shopper()
    again.comes_in()
    again.goes_to_the_shipping_step(email, "mos")
    second = again.leaves()
    house.wait_for_somebody_elses_mail()
    may_mail = next(clause for clause in house.why(second, RULE)["clauses"] if clause["text"] == "can_email")
    assert (may_mail["verdict"], may_mail["seen"]) == ("not_met", "unsubscribed")
    assert len(house.mails(email)) == 1


def test_a_mail_program_unsubscribes_with_one_request(
    house: House, shopper: Shopper, new_device: Callable[[], BrowserContext]
) -> None:
    visitor, mail = leaves_at_shipping(shopper, house)
    answer = new_device().request.post(link(mail, "u"), form={"List-Unsubscribe": "One-Click"})
    assert answer.ok
    assert "unsubscribed" in house.why(visitor, RULE)["why"]


def test_who_orders_on_another_device_is_not_mailed(house: House, shopper: Shopper, new_shopper: NewShopper) -> None:
    email = an_address()
    elsewhere = new_shopper()
    elsewhere.comes_in()
    with house.while_no_timer_runs_out():
        elsewhere.goes_to_the_payment_step(email)
        shopper.goes_to_the_shipping_step(email)
        shopper.leaves()
        elsewhere.pays()
        elsewhere.hears("order_placed")
        elsewhere.leaves()
    house.wait_for_somebody_elses_mail()
    assert house.mails(email) == []


def test_who_did_not_tick_the_box_is_not_mailed(house: House, shopper: Shopper) -> None:
    email = an_address()
    shopper.goes_to_the_shipping_step(email, may_mail=False)
    visitor = shopper.leaves()
    house.wait_for_somebody_elses_mail()
    assert house.mails(email) == []
    verdicts = {clause["text"].split(":")[0]: clause["verdict"] for clause in house.why(visitor, RULE)["clauses"]}
    assert verdicts == {"cart_abandoned": "met", "unexpected_shipping": "met", "can_email": "not_met"}


def test_who_empties_the_cart_is_not_mailed(house: House, shopper: Shopper) -> None:
    email = an_address()
    with house.while_no_timer_runs_out():
        shopper.goes_to_the_shipping_step(email)
        shopper.open("cart")
        shopper.page.get_by_role("button", name="Winkelmand leegmaken").click()
        expect(shopper.page.get_by_text("Je winkelmand is nog leeg.")).to_be_visible()
        shopper.hears("cart_updated")
        shopper.leaves()
    house.wait_for_somebody_elses_mail()
    assert house.mails(email) == []
