"""Stock that changed unseen, what was deleted, and a host that drops the header in which the key is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import pytest

from engine.errors import CallError, SettingsError, Unreadable
from engine.http import Answered
from engine.integration import Delivery, News, Page, PrivacyRequest
from integrations.woocommerce import WooCommerce
from tests.unit.integrations.cases import FIXTURES
from tests.unit.integrations.woocommerce_far import START, Far, Json, gmt, shop, without

BODIES = FIXTURES / "woocommerce" / "bodies"
NOT_THERE = {
    "orders": Answered(404, b'{"code": "woocommerce_rest_shop_order_invalid_id", "message": "Ongeldige ID."}'),
    "customers": Answered(404, b'{"code": "wc_user_invalid_id", "message": "Invalid user ID."}'),
    "products": Answered(404, b'{"code": "woocommerce_rest_product_invalid_id", "message": "Ongeldige ID."}'),
}


def body(case: str, **changes: object) -> Json:
    read: Json = msgspec.json.decode((BODIES / f"{case}.json").read_bytes())
    return read | changes


def answers(*told: object) -> Far:
    far = Far()
    far.answers = [each if isinstance(each, Answered) else Answered(200, msgspec.json.encode(each)) for each in told]
    return far


# --- stock ------------------------------------------------------------------------------------------------------------


def test_products_that_have_changed_are_read_as_their_webhook_would_have_been() -> None:
    at = START + timedelta(minutes=5)
    far = answers([body("counted", date_modified_gmt=gmt(at))])
    page = shop().ask("products", f"{gmt(START)}|1", far)
    [delivery] = page.deliveries
    [event] = shop().read(delivery).events
    assert (event["type"], delivery.topic, delivery.once) == ("stock_changed", "product.updated", False)
    assert (page.cursor, page.again_in_ms, page.news) == (f"{gmt(at - timedelta(hours=1))}|1", None, News())
    [(method, path, query)] = far.asked
    assert (method, path, query["modified_after"], query["orderby"]) == ("GET", "products", gmt(START), "modified")


def test_the_first_round_only_finds_out_where_the_shop_is() -> None:
    far = answers([body("counted", date_modified_gmt=gmt(START))])
    assert shop().ask("products", "", far).again_in_ms is None
    assert (far.asked[0][2]["order"], far.asked[0][2]["per_page"]) == ("desc", "1")


def test_of_a_product_with_variations_each_is_asked_for() -> None:
    far = answers([body("counted", id=31, variations=[311, 312]), body("counted", id=32, variations=[])])
    assert shop().ask("products", f"{gmt(START)}|1", far).news == News(look_ups=("variations:31",))


def test_variations_tell_their_own_stock_under_the_products_name() -> None:
    told = body("counted", id=311, sku="THEE-1-S", stock_quantity=4, image={"src": "https://winkel.example/s.jpg"})
    told = {name: value for name, value in told.items() if name not in ("type", "parent_id", "images", "categories")}
    nameless = told | {"id": 312, "sku": ""}
    far = answers([told, nameless, told | {"id": 313, "sku": "THEE-1-L", "manage_stock": "parent"}])
    page = shop().ask("variations:31", "", far)
    [event] = page.news.events
    product = event["product"]
    assert isinstance(product, dict)
    assert {name: product[name] for name in ("id", "sku", "stock", "image_url")} == {
        "id": "31",
        "sku": "THEE-1-S",
        "stock": 4,
        "image_url": "https://winkel.example/s.jpg",
    }
    assert [(method, path) for method, path, _ in far.asked] == [("GET", "products/31/variations")]
    assert (page.cursor, page.again_in_ms) == ("", None)


def test_many_variations_are_asked_for_page_by_page() -> None:
    told = [body("counted", id=name, sku=f"THEE-{name}") for name in range(1, 131)]
    far = answers(told[:100], told[100:])
    first = shop().ask("variations:31", "", far)
    assert (len(first.news.events), first.cursor, first.again_in_ms) == (100, "2", 0)
    second = shop().ask("variations:31", first.cursor, far)
    assert (len(second.news.events), second.cursor, second.again_in_ms) == (30, "", None)
    assert [query["page"] for _, _, query in far.asked] == ["1", "2"]


def test_variations_of_a_product_that_is_gone_are_none() -> None:
    assert shop().ask("variations:31", "", answers(NOT_THERE["products"])) == Page(News())


# --- what was deleted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [NOT_THERE["orders"], {"id": 7, "status": "trash"}])
def test_an_order_that_is_gone_or_in_the_bin_is_cancelled(told: object) -> None:
    page = shop().ask("deleted-order:7", "", answers(told))
    [event] = page.news.events
    assert (event["type"], event["order"], event["refs"]) == (
        "order_cancelled",
        {"id": "7"},
        ["woocommerce:order:7"],
    )


def test_an_order_that_is_there_is_not_cancelled_whatever_was_said() -> None:
    assert shop().ask("deleted-order:7", "", answers({"id": 7, "status": "pending"})) == Page(News())


def test_whose_account_is_gone_is_forgotten() -> None:
    far = answers(NOT_THERE["customers"])
    [request] = shop().ask("deleted-customer:26", "", far).news.requests
    assert request == PrivacyRequest("erase", customer_id="26", reference="customer 26 was deleted")
    assert [(method, path) for method, path, _ in far.asked] == [("GET", "customers/26")]


def test_a_customer_who_is_there_is_not_forgotten_whatever_was_said() -> None:
    """The topic is not signed: the word of a deleted order could come under the name of a customer's."""
    assert shop().ask("deleted-customer:26", "", answers({"id": 26})) == Page(News())


@pytest.mark.parametrize("what", ["deleted-order:7", "deleted-customer:7"])
@pytest.mark.parametrize(
    "answer", [Answered(404, b'{"code": "rest_no_route"}'), Answered(401, b"{}"), Answered(502, b"")]
)
def test_what_does_not_answer_the_question_deletes_nothing(what: str, answer: Answered) -> None:
    with pytest.raises(CallError):
        shop().ask(what, "", answers(answer))


@pytest.mark.parametrize("what", ["deleted-order:", "deleted-order:../x", "deleted-shop:7", "else", "variations:x"])
def test_what_nobody_looks_up_is_not_asked(what: str) -> None:
    far = Far()
    assert shop().ask(what, "", far) == Page(News())
    assert without("consumer_key").ask("deleted-customer:26", "", far) == Page(News())
    assert far.asked == []


@pytest.mark.parametrize("topic", ["order.deleted", "customer.deleted", "product.deleted"])
def test_a_body_that_says_more_than_a_number_is_of_nothing_deleted(topic: str) -> None:
    with pytest.raises(Unreadable):
        shop().read(Delivery(topic, (BODIES / "customer_created.json").read_bytes()))


# --- the key in the address -------------------------------------------------------------------------------------------


class Deaf(Far):
    """A host that hands on no ``Authorization`` header: WordPress reckons the address's signature anew (RFC 5849)."""

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()

    def check_key(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        assert "Authorization" not in headers
        assert "cs_2" not in url
        address, told = url.partition("?")[0], dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        signature = told.pop("oauth_signature")
        pairs = "%26".join(quote(f"{quote(name)}={quote(told[name], safe='')}", safe="") for name in sorted(told))
        base = f"{method}&{quote(address, safe='')}&{pairs}"
        right = base64.b64encode(hmac.new(b"cs_2&", base.encode(), hashlib.sha256).digest()).decode()
        assert (signature, told["oauth_signature_method"]) == (right, "HMAC-SHA256")
        assert (told["oauth_consumer_key"], len(told["oauth_nonce"])) == ("ck_1", 32)
        assert told["oauth_nonce"] not in self.nonces
        self.nonces.add(told["oauth_nonce"])


def deaf(*told: object) -> tuple[WooCommerce, Deaf]:
    far = Deaf()
    far.answers = [Answered(200, msgspec.json.encode(each)) for each in told]
    return shop(key_in="address"), far


def test_where_the_header_is_dropped_the_address_is_signed() -> None:
    made, far = deaf([], [], [])
    made.look_for("zoë&co=~*'()@example.nl", 0, far)
    made.ask("orders", "", far)
    made.ask("products", f"{gmt(START)}|1", far)
    assert [path for _, path, _ in far.asked] == ["orders", "orders", "products"]
    assert len(far.nonces) == 3


def test_what_is_changed_there_is_signed_too() -> None:
    made, far = deaf({}, [])
    [wanted, *_] = made.wanted("https://bell.example/hooks/woocommerce/main")
    made.make(wanted, far)
    made.remove(wanted, far)
    assert [method for method, _, _ in far.asked] == ["POST", "DELETE"]


def test_what_could_not_be_asked_is_told_without_the_key() -> None:
    made, far = deaf()
    far.answers = [Answered(401, b"{}")]
    with pytest.raises(CallError) as caught:
        made.ask("orders", "", far)
    assert caught.value.message.startswith("WooCommerce answered 401 to orders: it does not take the key.")
    assert not {"ck_1", "cs_2", "oauth"} & set(caught.value.message.replace("=", " ").split())


def test_there_is_no_third_place_for_the_key() -> None:
    with pytest.raises(SettingsError, match="key_in"):
        shop(key_in="body")
