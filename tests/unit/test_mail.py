"""Mails as a shopper reads them, and what hostile names, links and templates make of them: nothing."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import msgspec
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import mail as mail_room
from engine.errors import DeliveryRefused
from engine.mail import CATALOGUES, render
from engine.mail.view import web_address
from engine.messages import MailContext, MailOrder
from tests.unit.mails import CONTEXT, PEN, SURPRISE, Page, context

# --- what it says -----------------------------------------------------------------------------------------------------


def test_the_reminder_in_dutch_says_whose_cart_what_is_in_it_and_what_it_costs() -> None:
    made = render(CONTEXT)
    assert made.subject == "Je winkelwagen bij Inkt & Papier staat nog klaar"
    words = Page(made.html).words
    for part in (words, made.text):
        assert "Hallo Anna," in part
        assert "Ik heb je winkelwagen voor je bewaard" in part
        assert "Vulpen Hoekwerk" in part
        assert "€\xa034,95" in part
        assert "€\xa025,00" in part
        assert "Totaal" in part
        assert "€\xa059,95" in part
        assert "Sanne de Wit" in part
        assert "3512 AN Utrecht" in part
        assert "je adres achterliet bij Inkt & Papier" in part
    assert "2 × €\xa012,50" in words
    assert "2 × Notitieboek A5: €\xa025,00" in made.text


def test_the_reminder_in_english_writes_money_the_english_way() -> None:
    made = render(context(language="en-GB"))
    assert made.subject == "Your cart at Inkt & Papier is waiting, no rush"
    assert "€34.95" in made.text
    assert 'lang="en"' in made.html


def test_the_surprise_names_the_cost_what_we_do_about_it_then_returns_then_a_person() -> None:
    made = render(context(order=SURPRISE))
    assert made.subject == "Over de verzendkosten bij Inkt & Papier"
    wanted = [
        "zag je €\xa04,95 aan verzendkosten",
        "voor onze rekening",
        "Terugsturen is gratis",
        "Chat met ons",
        "030 123 45 67",
    ]
    for part in (Page(made.html).words.split("Hallo Anna,")[1], made.text):
        found = [part.index(words) for words in wanted]
        assert found == sorted(found)
        assert "ma–vr 9–17 uur" in part


def test_free_shipping_is_promised_in_a_way_that_needs_no_code() -> None:
    assert "You need no code" in render(context(order=SURPRISE, language="en")).text
    assert "reply to this mail with your order number" in render(context(order=SURPRISE, language="en")).text


BACK = MailOrder(template="back-in-stock", call=("chat",))


def test_what_is_back_is_named_in_the_subject_shown_and_linked() -> None:
    made = render(context(order=BACK, lines=(PEN,), total=0, restore_url="https://inkt.example/"))
    assert made.subject == "Vulpen Hoekwerk is weer op voorraad"
    for part in (Page(made.html).words, made.text):
        assert "toen het was uitverkocht" in part
        assert "Vulpen Hoekwerk" in part
        assert "Bekijk het" in part
        assert "winkelwagen" not in part
        assert "Totaal" not in part
    assert "https://inkt.example/p/1" in Page(made.html).all("href")
    assert render(context(order=BACK, lines=(PEN,), language="en")).subject == "Vulpen Hoekwerk is back in stock"


def test_a_product_without_a_page_of_the_shop_leads_to_the_shop() -> None:
    stranger = msgspec.structs.replace(PEN, name="", url="https://evil.example/p/1")
    made = render(context(order=BACK, lines=(stranger,), restore_url="https://inkt.example/"))
    assert made.subject == "Weer op voorraad bij Inkt & Papier"
    assert "evil.example" not in made.html + made.text
    assert "https://inkt.example/" in Page(made.html).all("href")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (MailOrder(template="cart-reminder", offer="loyalty"), "krijg je voor deze bestelling dubbele punten"),
        (MailOrder(template="cart-reminder", promise="loyalty"), "spaar je ook met deze bestelling punten"),
    ],
)
def test_a_member_hears_of_points_instead_of_a_discount(order: MailOrder, words: str) -> None:
    made = render(context(order=order, points=1240))
    for part in (Page(made.html).words, made.text):
        assert words in part
        assert "Je hebt nu 1.240 punten." in part
        assert "korting" not in part
    assert "Je hebt nu" not in render(context(order=order)).text


def test_nothing_is_promised_that_the_rule_did_not_offer() -> None:
    text = render(context(order=MailOrder(template="shipping-surprise"))).text
    assert "voor onze rekening" not in text
    assert "gratis" not in text
    assert "Chat" not in text
    assert "030 123" not in text


def test_where_shipping_is_free_from_an_amount_the_mail_says_so_unless_it_is_free_anyway() -> None:
    assert "vanaf €\xa075,00" in render(context(free_shipping_from=7500)).text
    assert "75,00" not in render(context(free_shipping_from=7500, order=SURPRISE)).text


def test_a_rules_own_words_take_the_place_of_ours_as_plain_text() -> None:
    own = MailOrder(
        template="shipping-surprise",
        subject={"nl": "Zullen we {{ 7 * 7 }}?"},
        text={"nl": "Eén <b>ding</b>.\n\nEn nog een."},
    )
    made = render(context(order=own, language="nl-BE"))
    assert made.subject == "Zullen we {{ 7 * 7 }}?"
    assert "Eén <b>ding</b>.\n\nEn nog een." in made.text
    assert "Eén &lt;b&gt;ding&lt;/b&gt;." in made.html
    assert "Ik kan me voorstellen" not in made.text
    assert "De verzendkosten die je zag: €\xa04,95." in made.text


def test_words_of_the_rule_in_another_language_are_not_used() -> None:
    own = MailOrder(template="cart-reminder", subject={"en": "Hello"}, text={"en": "Hello there"})
    made = render(context(order=own))
    assert made.subject.startswith("Je winkelwagen")
    assert "Hello there" not in made.text


@pytest.mark.parametrize(
    ("asked", "given"), [("nl-BE", "nl"), ("nl_NL", "nl"), ("EN", "en"), ("fr", "en"), ("", "en"), ("../nl", "en")]
)
def test_a_language_nobody_wrote_becomes_english(asked: str, given: str) -> None:
    assert CATALOGUES.choose(asked) == given
    assert f'lang="{given}"' in render(context(language=asked)).html


def test_the_shops_language_comes_before_english() -> None:
    assert CATALOGUES.choose("fr", None, "nl") == "nl"


def test_a_full_cart_is_cut_short_and_says_so() -> None:
    many = tuple(msgspec.structs.replace(PEN, name=f"Pen {number}") for number in range(12))
    assert "en nog 2 producten" in render(context(lines=many)).text
    assert "en nog 1 product\n" in render(context(lines=many[:11])).text


def test_what_is_not_known_is_left_out() -> None:
    bare = MailContext(
        language="nl",
        shop_name="Inkt",
        sender_name="Sanne",
        order=MailOrder(template="shipping-surprise"),
        currency="EUR",
    )
    made = render(bare)
    assert "Hallo,\n" in made.text
    assert "er verzendkosten bij komen" in made.text
    assert "None" not in made.text + made.html
    assert Page(made.html).all("href") == []


def test_yen_have_no_cents() -> None:
    assert "JP¥\xa03.495" in render(context(currency="JPY")).text


# --- how it is made ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("order", [MailOrder(template="cart-reminder"), SURPRISE, BACK])
def test_a_mail_asks_nothing_of_the_network_but_the_products_pictures(language: str, order: MailOrder) -> None:
    html = render(context(language=language, order=order)).html
    page = Page(html)
    assert page.all("src") == ["https://cdn.example/pen.jpg"]
    assert "link" not in page.tags()
    assert not {"script", "iframe", "form", "object"} & page.tags()
    assert "@import" not in html
    assert "@font-face" not in html
    assert "url(" not in html
    assert len(html) < 102_000  # where Gmail would cut it


def test_a_mail_can_be_read_in_the_dark_and_without_pictures() -> None:
    html = render(CONTEXT).html
    assert '<meta name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert Page(html).all("alt") == ["Vulpen Hoekwerk"]


def test_a_mail_has_one_button() -> None:
    page = Page(render(context(order=SURPRISE)).html)
    assert [href for href in page.all("href") if "/c/" in href] == ["https://bell.example/c/abc?x=1&y=2"]
    assert page.words.count("Verder met mijn winkelwagen") == 1


def test_the_preheader_stands_before_the_greeting() -> None:
    words = Page(render(CONTEXT).html).words
    assert words.index("Alles zit er nog in.") < words.index("Hallo Anna")


@pytest.mark.parametrize("room", ["mail", "web"])
def test_every_text_has_its_translation_and_no_translation_is_left_over(room: str) -> None:
    folder = Path(mail_room.__file__).parents[1] / room
    found = extract_from_dir(
        folder / "templates",
        method_map=[("**", "jinja2.ext:babel_extract")],
        keywords={"gettext": None, "ngettext": (1, 2), "t": None},
    )
    written = {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}
    assert len(written) > 10
    for file in (folder / "locale").glob("*.po"):
        catalogue = read_po(file.read_bytes().decode().splitlines(), locale=file.stem)
        translated = {
            message.id if isinstance(message.id, str) else message.id[0]: message for message in catalogue if message.id
        }
        assert set(translated) == written
        for message in translated.values():
            strings = [message.string] if isinstance(message.string, str) else list(message.string or [])
            assert strings
            assert all(strings)
            for string in strings:
                assert set(re.findall(r"%\(\w+\)s", string)) == set(re.findall(r"%\(\w+\)s", str(message.id)))


# --- strangers --------------------------------------------------------------------------------------------------------

MARKUP = """<script>alert(1)</script>"><img src=x onerror=alert(1)>'{{ 7*7 }}{% for x in y %}<!-- ]]> &amp; %(x)s"""


def test_markup_in_names_stays_words() -> None:
    hostile = context(
        lines=(msgspec.structs.replace(PEN, name=MARKUP, variant=MARKUP),),
        shop_name=MARKUP,
        sender_name=MARKUP,
        shop_address=MARKUP,
        office_hours=MARKUP,
        phone=MARKUP,
        order=msgspec.structs.replace(SURPRISE, text={"nl": MARKUP}),
    )
    html = render(hostile).html
    page = Page(html)
    harmless = Page(render(context(order=SURPRISE, lines=(PEN,))).html)
    assert page.tags() == harmless.tags()
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "49" not in page.words
    assert page.words.count("<script>alert(1)</script>") >= 5
    assert page.all("alt")[0].startswith("<script>alert(1)</script>")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example/x",
        "/relative",
        "https://",
        "https://user:pass@inkt.example/",
        "https://inkt.example/a b",
        "https://[broken",
        "https://inkt.example/\u202egpj.exe",
    ],
)
def test_an_address_that_is_not_plainly_on_the_web_is_left_out(url: str) -> None:
    assert web_address(url) == ""
    everywhere = context(
        lines=(msgspec.structs.replace(PEN, url=url, image_url=url),),
        restore_url=url,
        unsubscribe_url=url,
        chat_url=url,
        shop_url=url,
        order=SURPRISE,
    )
    made = render(everywhere)
    page = Page(made.html)
    assert page.all("src") == []
    assert page.all("href") == ["tel:0301234567"]
    assert url not in made.text
    assert url not in unescape(made.html)


def test_a_product_can_only_lead_to_the_shops_own_pages() -> None:
    lines = tuple(
        msgspec.structs.replace(PEN, url=url)
        for url in (
            "https://shop.inkt.example/ours",
            "https://evil.example/theirs",
            "https://inkt.example.evil.example/theirs",
            "https://evilinkt.example/theirs",
        )
    )
    hrefs = Page(render(context(lines=lines)).html).all("href")
    assert "https://shop.inkt.example/ours" in hrefs
    assert not any("theirs" in href for href in hrefs)


@pytest.mark.parametrize("field", ["shop_name", "sender_name", "recipient_name"])
@pytest.mark.parametrize("poison", ["\r\nBcc: x@evil.example", "\n", "\x00", "\x85", "\u2028", "\udc80"])
def test_a_name_that_would_start_a_header_fails_the_delivery(field: str, poison: str) -> None:
    with pytest.raises(DeliveryRefused):
        render(context(**{field: f"Anna{poison}"}))


@pytest.mark.parametrize("poison", ["\r\nBcc: x@evil.example", "\x00"])
def test_a_subject_that_would_start_a_header_fails_the_delivery(poison: str) -> None:
    with pytest.raises(DeliveryRefused):
        render(context(order=MailOrder(template="cart-reminder", subject={"nl": f"Hoi{poison}"})))


@pytest.mark.parametrize(
    "name", ["Win €500 op www.evil.example", "https://evil.example", "a@evil.example", "x" * 61, "klik evil.example"]
)
def test_an_advertisement_is_no_name_to_greet(name: str) -> None:
    assert render(context(recipient_name=name)).text.startswith("Hallo,\n")


@pytest.mark.parametrize(
    "name",
    ["Anna", "J.P. O’Brien", "JP Visser", "Анна Каренина", "李娜", "Müller, Jürgen", "Familie de Wit", "Mevr de Wit",
     "Van den Berg", "anna de wit"],
)  # fmt: skip
def test_a_name_is_a_name(name: str) -> None:
    assert render(context(recipient_name=name)).text.startswith(f"Hallo {name},\n")


@pytest.mark.parametrize(
    ("name", "first"),
    [("Noor de Wit", "Noor"), ("Anna-Sofie de Vries", "Anna-Sofie"), ("Zoë van 't Hoff", "Zoë"), ("Ømer Ünal", "Ømer")],
)
def test_people_are_greeted_by_their_first_name(name: str, first: str) -> None:
    assert render(context(recipient_name=name)).text.startswith(f"Hallo {first},\n")


@settings(max_examples=60, deadline=None)
@given(name=st.text(st.characters(codec=None), max_size=60), variant=st.text(max_size=40), url=st.text(max_size=40))
def test_whatever_a_product_is_called_the_mail_can_be_sent(name: str, variant: str, url: str) -> None:
    line = msgspec.structs.replace(PEN, name=name, variant=variant, url=url, image_url=url)
    made = render(context(lines=(line,)))
    assert made.html.encode()
    assert made.text.encode()
    assert Page(made.html).tags() <= Page(render(CONTEXT).html).tags()


def test_a_very_long_name_is_cut() -> None:
    made = render(context(lines=(msgspec.structs.replace(PEN, name="x" * 100_000),)))
    assert len(made.text) < 2_000
    assert "x…" in made.text


def test_a_subject_is_never_longer_than_a_mail_program_shows() -> None:
    made = render(context(order=MailOrder(template="cart-reminder", subject={"nl": "woord " * 100})))
    assert len(made.subject) <= 150
