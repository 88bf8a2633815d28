"""The pages behind a mail's links, and the development mailbox, asked as browsers and mail programs ask."""

from __future__ import annotations

import re
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from engine.clock import DAY, Millis
from engine.errors import NotFound, StoreError
from engine.events import Line
from engine.links import Claim, Links, RestoreClaim, SurveyClaim, UnsubscribeClaim
from engine.mailbox import keep_mail
from engine.web import links as link_pages
from engine.web import mailbox as mailbox_pages
from engine.web.links import SavedCart, ShopPageInfo, with_parameter

NOW: Millis = 1_795_000_000_000
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
PEN = Line(sku="P1", name="Vulpen", variant="Blauw", quantity=2, price=3495, url="https://inkt.example/p/1")


class Desk:
    """The shop's side of the links, kept in memory."""

    def __init__(self) -> None:
        self.shop = ShopPageInfo("Inkt & Papier", "https://inkt.example/cart", "https://inkt.example/")
        self.language = "nl"
        self.unsubscribed: list[str] = []
        self.answers: list[tuple[str, int]] = []
        self.cart: SavedCart | None = SavedCart("EUR", (PEN,), "dec_1")
        self.away = False

    def unsubscribe(self, claim: UnsubscribeClaim) -> None:
        if self.away:
            raise StoreError("the database is locked")
        self.unsubscribed.append(claim.person_id)

    def is_unsubscribed(self, claim: UnsubscribeClaim) -> bool:
        return claim.person_id in self.unsubscribed

    def answer(self, claim: SurveyClaim, answer: int) -> None:
        self.answers.append((claim.delivery_id, answer))

    def language_of(self, claim: Claim) -> str:
        return self.language

    def shop_of(self, claim: Claim) -> ShopPageInfo:
        if claim.shop != "main":
            raise NotFound("there is no such shop")
        return self.shop

    def saved_cart(self, claim: RestoreClaim) -> SavedCart | None:
        return self.cart


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def clock() -> list[Millis]:
    return [NOW]


@pytest.fixture
def links(clock: list[Millis]) -> Links:
    return Links("a-secret-of-more-than-thirty-two-letters", "http://localhost", lambda: clock[0])


@pytest.fixture
def client(links: Links, desk: Desk) -> FlaskClient:
    app = Flask("engine.web")
    app.register_blueprint(link_pages.create_blueprint(links, desk))
    return app.test_client()


# --- answering a survey -----------------------------------------------------------------------------------------------


def test_opening_an_answer_notes_nothing_and_its_button_does(client: FlaskClient, links: Links, desk: Desk) -> None:
    url = links.survey("main", "v1", "dec_1.0") + "/4"
    asked = client.get(url)
    assert asked.status_code == 200
    assert "4 van 5" in asked.text
    assert desk.answers == []
    assert "Dank je wel" in client.post(url).text
    assert desk.answers == [("dec_1.0", 4)]


@pytest.mark.parametrize("answer", ["0", "6", "x", "4.5"])
def test_what_is_no_answer_is_not_noted(client: FlaskClient, links: Links, desk: Desk, answer: str) -> None:
    assert client.post(f"{links.survey('main', 'v1', 'dec_1.0')}/{answer}").status_code == 404
    assert desk.answers == []


def test_a_survey_link_opens_nothing_else(client: FlaskClient, links: Links, desk: Desk, clock: list[Millis]) -> None:
    token = links.survey("main", "v1", "dec_1.0").rpartition("/")[2]
    assert client.post(f"/u/{token}").status_code == 404
    assert client.get(f"/c/{token}").status_code == 404
    clock[0] += 91 * DAY
    assert client.post(f"/s/{token}/4").status_code == 410
    assert (desk.unsubscribed, desk.answers) == ([], [])


# --- leaving the list -------------------------------------------------------------------------------------------------


def test_opening_the_unsubscribe_link_changes_nothing(client: FlaskClient, links: Links, desk: Desk) -> None:
    url = links.unsubscribe("main", "per_1", "dec_1")
    assert client.head(url).status_code == 200
    assert client.get(url).status_code == 200
    page = client.get(url)
    assert page.status_code == 200
    assert "Geen mails meer van Inkt &amp; Papier?" in page.text
    assert '<form method="post">' in page.text
    assert page.text.count("<button") == 1
    assert desk.unsubscribed == []


def test_the_button_unsubscribes(client: FlaskClient, links: Links, desk: Desk) -> None:
    page = client.post(links.unsubscribe("main", "per_1", "dec_1"))
    assert page.status_code == 200
    assert "Je bent afgemeld" in page.text
    assert "<button" not in page.text
    assert desk.unsubscribed == ["per_1"]


def test_a_mail_programs_one_click_unsubscribes_without_a_cookie(client: FlaskClient, links: Links, desk: Desk) -> None:
    answer = client.post(links.unsubscribe("main", "per_1", "dec_1"), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert desk.unsubscribed == ["per_1"]
    assert "Set-Cookie" not in answer.headers


def test_unsubscribing_twice_looks_the_same(client: FlaskClient, links: Links) -> None:
    url = links.unsubscribe("main", "per_1", "dec_1")
    first, second = client.post(url), client.post(url)
    assert first.text == second.text
    assert "Je bent afgemeld" in client.get(url).text


def test_the_page_speaks_english_too(client: FlaskClient, links: Links, desk: Desk) -> None:
    desk.language = "en"
    page = client.get(links.unsubscribe("main", "per_1", "dec_1"))
    assert '<html lang="en">' in page.text
    assert "No more mails from Inkt &amp; Papier?" in page.text


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "%00", "A" * 5000])
def test_a_forged_link_does_nothing_and_says_so_kindly(client: FlaskClient, desk: Desk, token: str) -> None:
    for answer in (client.get(f"/u/{token}"), client.post(f"/u/{token}"), client.get(f"/c/{token}")):
        assert answer.status_code == 404
        assert "This link does not work" in answer.text
    assert desk.unsubscribed == []


def test_a_link_that_names_nobody_answers_in_the_browsers_language(client: FlaskClient) -> None:
    assert "Deze link werkt niet" in client.get("/u/x", headers={"Accept-Language": "nl-BE,nl;q=0.9,en;q=0.5"}).text


def test_a_restore_link_does_not_unsubscribe(client: FlaskClient, links: Links, desk: Desk) -> None:
    token = links.restore("main", "cart-1", "dec_1").rsplit("/", 1)[1]
    assert client.post(f"/u/{token}").status_code == 404
    assert desk.unsubscribed == []


def test_an_unsubscribe_that_could_not_be_kept_is_not_called_done(
    client: FlaskClient, links: Links, desk: Desk
) -> None:
    desk.away = True
    answer = client.post(links.unsubscribe("main", "per_1", "dec_1"))
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "afgemeld" not in answer.text


# --- having a cart back -----------------------------------------------------------------------------------------------


def test_a_restore_link_leads_to_the_shops_own_cart(client: FlaskClient, links: Links) -> None:
    url = links.restore("main", "cart-1", "dec_1")
    answer = client.get(url)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"https://inkt.example/cart?shopbell_cart={url.rsplit('/', 1)[1]}"


@pytest.mark.parametrize(
    ("cart_url", "wanted"),
    [
        ("https://x.example/cart?a=1&b=", "https://x.example/cart?a=1&b=&shopbell_cart=T"),
        ("https://x.example/#/cart", "https://x.example/?shopbell_cart=T#/cart"),
        ("https://x.example/?shopbell_cart=old", "https://x.example/?shopbell_cart=T"),
    ],
)
def test_the_carts_own_query_stays(cart_url: str, wanted: str) -> None:
    assert with_parameter(cart_url, "shopbell_cart", "T") == wanted


def test_nothing_in_the_request_can_change_where_a_link_leads(client: FlaskClient, links: Links) -> None:
    url = links.restore("main", "cart-1", "dec_1")
    for extra in ("?next=https://evil.example", "?cart_url=https://evil.example", "?shopbell_cart=x"):
        answer = client.get(url + extra, headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"})
        assert answer.headers["Location"].startswith("https://inkt.example/cart?shopbell_cart=")


@pytest.mark.parametrize("cart_url", ["", "javascript:alert(1)", "//evil.example"])
def test_a_shop_without_a_cart_page_gets_ours(client: FlaskClient, links: Links, desk: Desk, cart_url: str) -> None:
    desk.shop = ShopPageInfo("Inkt & Papier", cart_url, "https://inkt.example/")
    page = client.get(links.restore("main", "cart-1", "dec_1"))
    assert page.status_code == 200
    assert 'href="https://inkt.example/p/1"' in page.text
    assert "Vulpen" in page.text
    assert "€\xa069,90" in page.text
    assert "2 × €\xa034,95" in page.text


def test_an_old_link_is_gone_and_says_so(client: FlaskClient, links: Links, clock: list[Millis]) -> None:
    url = links.restore("main", "cart-1", "dec_1")
    clock[0] += 31 * DAY
    page = client.get(url)
    assert page.status_code == 410
    assert "This link is too old" in page.text


def test_a_cart_that_is_no_longer_kept_says_so(client: FlaskClient, links: Links, desk: Desk) -> None:
    desk.cart, desk.shop = None, ShopPageInfo("Inkt", "", "")
    assert client.get(links.restore("main", "cart-1", "dec_1")).status_code == 404


def test_hostile_names_stay_words_on_every_page(client: FlaskClient, links: Links, desk: Desk) -> None:
    desk.shop = ShopPageInfo(HOSTILE, "", "javascript:alert(1)")
    desk.cart = SavedCart(
        "EUR", (Line(name=HOSTILE, variant=HOSTILE, url="javascript:alert(1)", image_url="javascript:x"),)
    )
    for url in (links.restore("main", "c", "d"), links.unsubscribe("main", "p", "d")):
        page = client.get(url).text
        assert "<script" not in page
        assert "<img" not in page
        assert "javascript:" not in page
        assert "&lt;script&gt;" in page


# --- the snippet's side -----------------------------------------------------------------------------------------------


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


def test_the_snippet_gets_the_cart_in_major_units(client: FlaskClient, links: Links, desk: Desk) -> None:
    yen = Line(sku="Y", price=1200)
    desk.cart = SavedCart("JPY", (yen,))
    answer = client.get(f"/v1/carts/{token_of(links.restore('main', 'cart-1', 'dec_7'))}")
    assert answer.json is not None
    assert answer.json["cart"]["lines"][0]["price"] == "1200"
    assert answer.json["message"] == "dec_7"


def test_an_id_of_nineteen_digits_is_text_for_a_browser(client: FlaskClient, links: Links, desk: Desk) -> None:
    """As a number JavaScript would round it."""
    desk.cart = SavedCart("EUR", (Line(product_id="8209829119461545087", price=1200),))
    answer = client.get(f"/v1/carts/{token_of(links.restore('main', 'cart-1', 'dec_7'))}")
    assert b'"product_id":"8209829119461545087"' in answer.data


def test_the_carts_answer_holds_its_lines_and_the_message(client: FlaskClient, links: Links) -> None:
    answer = client.get(f"/v1/carts/{token_of(links.restore('main', 'cart-1', 'dec_1'))}")
    assert answer.json == {
        "cart": {
            "currency": "EUR",
            "lines": [
                {
                    "sku": "P1",
                    "product_id": "",
                    "name": "Vulpen",
                    "variant": "Blauw",
                    "quantity": 2,
                    "price": "34.95",
                    "url": "https://inkt.example/p/1",
                    "image_url": "",
                }
            ],
        },
        "message": "dec_1",
    }


def test_any_shop_may_ask_and_no_cookie_is_looked_at(client: FlaskClient, links: Links) -> None:
    answer = client.get(
        f"/v1/carts/{token_of(links.restore('main', 'cart-1', 'dec_1'))}", headers={"Origin": "https://inkt.example"}
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_snippet_is_told_what_is_wrong_with_a_link(
    client: FlaskClient, links: Links, desk: Desk, clock: list[Millis]
) -> None:
    token = token_of(links.restore("main", "cart-1", "dec_1"))
    forged = client.get("/v1/carts/x")
    desk.cart = None
    gone = client.get(f"/v1/carts/{token}")
    clock[0] += 31 * DAY
    expired = client.get(f"/v1/carts/{token}")
    told = [(answer.status_code, answer.get_json()["error"]["code"]) for answer in (forged, gone, expired)]
    assert told == [(404, "unknown_link"), (404, "gone"), (410, "expired")]
    assert [answer.get_json().get("message") for answer in (forged, gone, expired)] == [None, "dec_1", None]
    assert forged.headers["Access-Control-Allow-Origin"] == "*"


def test_pages_guard_themselves(client: FlaskClient, links: Links) -> None:
    urls = [links.unsubscribe("main", "p", "d"), links.restore("main", "c", "d"), "/u/forged", "/v1/carts/forged"]
    for url in urls:
        headers = client.get(url).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_pages_fetch_nothing_but_their_own_style(client: FlaskClient, links: Links) -> None:
    page = client.get(links.unsubscribe("main", "p", "d")).text
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    with client.get(style) as sheet:
        assert sheet.mimetype == "text/css"
    assert "<script" not in page
    assert "style=" not in page


# --- the mailbox ------------------------------------------------------------------------------------------------------


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def reader(box: Path) -> FlaskClient:
    app = Flask("engine.web")
    app.register_blueprint(mailbox_pages.create_blueprint(box))
    return app.test_client()


def test_programs_learn_which_rule_decided_on_a_mail(box: Path) -> None:
    app = Flask("engine.web")
    app.register_blueprint(mailbox_pages.create_blueprint(box, lambda names: {"dec_1.0": "cart-left"}))
    for name in ("dec_1.0", "dec_2.0"):
        mail = f"Message-ID: <{name}@inkt.example>\r\n\r\nHallo\r\n".encode()
        keep_mail(box, sender="", recipients=("anna@mail.example",), mail=mail, at=NOW)
    mails = msgspec.json.decode(app.test_client().get("/dev/mailbox.json").data)
    assert {mail["headers"][0][1]: mail["rule"] for mail in mails} == {
        "<dec_1.0@inkt.example>": "cart-left",
        "<dec_2.0@inkt.example>": "",
    }


def drop_mail(box: Path, subject: str = "Je winkelwagen", html: str = "<html><head></head><p>Hallo</p></html>") -> str:
    message = EmailMessage()
    message["From"] = "Sanne <sanne@inkt.example>"
    message["To"] = "Anna <anna@mail.example>"
    message["Subject"] = subject
    message["Date"] = "Wed, 18 Nov 2026 11:06:40 +0000"
    message["List-Unsubscribe"] = "<http://localhost/u/x>"
    message.set_content("Hallo in tekst\n")
    message.add_alternative(html, subtype="html")
    return keep_mail(
        box, sender="sanne@inkt.example", recipients=("anna@mail.example",), mail=message.as_bytes(), at=NOW
    )


def test_an_empty_mailbox_says_what_to_do(reader: FlaskClient) -> None:
    page = reader.get("/dev/mailbox")
    assert page.status_code == 200
    assert "No mail yet" in page.text
    assert reader.get("/dev/mailbox.json").json == []


def test_the_list_shows_each_mail_and_its_page_shows_all_of_it(reader: FlaskClient, box: Path) -> None:
    mail_id = drop_mail(box)
    assert f'href="/dev/mailbox/{mail_id}"' in reader.get("/dev/mailbox").text
    page = reader.get(f"/dev/mailbox/{mail_id}").text
    assert "Sanne &lt;sanne@inkt.example&gt;" in page
    assert "Hallo in tekst" in reader.get(f"/dev/mailbox/{mail_id}?view=text").text
    assert "List-Unsubscribe" in reader.get(f"/dev/mailbox/{mail_id}?view=headers").text
    assert "multipart/alternative" in reader.get(f"/dev/mailbox/{mail_id}?view=source").text
    assert reader.get(f"/dev/mailbox/{mail_id}/source").mimetype == "text/plain"


def test_programs_get_the_same(reader: FlaskClient, box: Path) -> None:
    mail_id = drop_mail(box)
    [mail] = msgspec.json.decode(reader.get("/dev/mailbox.json").data)
    assert mail["headers"][0] == ["From", "Sanne <sanne@inkt.example>"]
    assert {key: value for key, value in mail.items() if key != "headers"} == {
        "id": mail_id,
        "from": "Sanne <sanne@inkt.example>",
        "to": "Anna <anna@mail.example>",
        "subject": "Je winkelwagen",
        "date": "Wed, 18 Nov 2026 11:06:40 +0000",
        "rule": "",
        "text": "Hallo in tekst\n",
        "html": "<html><head></head><p>Hallo</p></html>\n",
    }


def test_a_mails_html_is_only_shown_where_it_can_run_nothing(reader: FlaskClient, box: Path) -> None:
    mail_id = drop_mail(box, subject=HOSTILE, html=HOSTILE)
    page = reader.get(f"/dev/mailbox/{mail_id}")
    assert "<script" not in page.text
    [sandbox] = re.findall(r'<iframe [^>]*sandbox="([^"]*)"', page.text)
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    frame = reader.get(f"/dev/mailbox/{mail_id}/html")
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy


def test_links_in_a_shown_mail_open_beside_the_mailbox(reader: FlaskClient, box: Path) -> None:
    assert '<head><base target="_blank">' in reader.get(f"/dev/mailbox/{drop_mail(box)}/html").text


@pytest.mark.parametrize("mail_id", ["nothing", "..", "%2e%2e%2fnew", "cur"])
def test_a_mail_that_is_not_there_is_not_found(reader: FlaskClient, box: Path, mail_id: str) -> None:
    drop_mail(box)
    assert reader.get(f"/dev/mailbox/{mail_id}").status_code == 404
    assert reader.get(f"/dev/mailbox/{mail_id}/html").status_code == 404


def test_strange_wishes_get_the_usual_view(reader: FlaskClient, box: Path) -> None:
    page = reader.get(f"/dev/mailbox/{drop_mail(box)}?view=<script>&width=<script>")
    assert page.status_code == 200
    assert "<script>" not in page.text
