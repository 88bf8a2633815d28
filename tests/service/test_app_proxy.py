"""What a Shopify shop's pages send to an address of the shop's own, as Shopify passes it on."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from engine.clock import MINUTE, SECOND, wall_clock
from engine.people import Person
from engine.settings import Settings
from engine.store.unit import CARTS, EVENTS, PEOPLE
from tests.service.doors import (
    INK_KEY,
    Door,
    Json,
    answer_of,
    batch,
    cart_updated,
    environment_for,
    error_code,
    page_viewed,
    rule_file,
)

SHOP, SECRET = "vloei.myshopify.com", "hush-hush"
PATH = "/proxy/shopify/ink/v1/events"
EVENTS_PATH = "/proxy/{integration}/{shop}/v1/events"


def signed_query(customer: str = "", shop: str = SHOP, secret: str = SECRET, ago: int = 0) -> str:
    """What Shopify adds to the address."""
    told = {
        "shop": shop,
        "logged_in_customer_id": customer,
        "path_prefix": "/apps/shopbell",
        "timestamp": str((wall_clock() - ago) // SECOND),
    }
    message = "".join(sorted(f"{name}={value}" for name, value in told.items()))
    return urlencode(told | {"signature": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()})


class ProxyDoor(Door):
    """A running application whose shop ``ink`` is at Shopify."""

    def pass_on(
        self,
        body: bytes,
        *,
        customer: str = "",
        shop: str = SHOP,
        secret: str = SECRET,
        ago: int = 0,
        path: str = PATH,
        **headers: str,
    ) -> TestResponse:
        """What Shopify does with a page's request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        told = signed_query(customer, shop, secret, ago)
        return self.ask(f"{path}?{told}", body, {"Content-Type": "text/plain"} | named)

    def ask(self, address: str, body: bytes, headers: dict[str, str]) -> TestResponse:
        answer = self.client.post(address, data=body, headers=headers)
        self.contract.names_no_other_than(answer, "POST", EVENTS_PATH)
        return answer


def open_proxy_door(folder: Path, database_url: str, **environment: str) -> ProxyDoor:
    (folder / "rules").mkdir(exist_ok=True)
    platform = f"integrations:\n  shopify: {{shop: {SHOP}, client_secret: env:PROXY_SECRET}}\n"
    ink = rule_file("ink", "https://ink.example").replace("integrations:\n", platform)
    (folder / "rules" / "ink.yaml").write_text(ink)
    (folder / "rules" / "tea.yaml").write_text(rule_file("tea", "https://tea.example"))
    return ProxyDoor(Settings.from_env(environment_for(folder, database_url) | environment))


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProxyDoor]:
    monkeypatch.setenv("PROXY_SECRET", SECRET)
    door = open_proxy_door(tmp_path, database_url)
    yield door
    door.close()


def persons(door: Door) -> list[Person]:
    return [msgspec.msgpack.decode(row.state, type=Person) for row in door.rows(PEOPLE, shop="ink")]


def test_a_page_speaks_without_a_key_and_without_an_origin(door: ProxyDoor) -> None:
    body = msgspec.json.encode({"visitor": "v1", "session": "s1", "tab": "t1", "events": [page_viewed()]})
    assert answer_of(door.pass_on(body))["accepted"] == 1
    assert door.kept() == 1
    assert persons(door) == []


def test_whatever_key_the_page_names_the_signature_says_which_shop(door: ProxyDoor) -> None:
    assert answer_of(door.pass_on(batch(cart_updated(), key="pk_tea_pages")))["accepted"] == 1
    assert [row.shop for row in door.rows(EVENTS)] == ["ink"]
    assert [row.shop for row in door.rows(CARTS)] == ["ink"]


def test_who_is_logged_in_is_known_and_does_not_count_among_the_pages_events(door: ProxyDoor) -> None:
    answer = answer_of(door.pass_on(batch(page_viewed(), page_viewed()), customer="207119551"))
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (2, 0, [])
    [person] = persons(door)
    assert person.customer_id == "207119551"
    [told] = door.rows(EVENTS, type="identified")
    assert told.visitor == "v1"


def test_who_is_logged_in_is_told_once_in_a_session_and_after_another_again(door: ProxyDoor) -> None:
    for customer in ("1", "1", "2", "1"):
        answer_of(door.pass_on(batch(page_viewed()), customer=customer))
    assert len(door.rows(EVENTS, type="identified")) == 2
    assert {person.customer_id for person in persons(door)} == {"1", "2"}


def test_the_page_itself_may_not_say_who_is_logged_in(door: ProxyDoor) -> None:
    claim: Json = page_viewed() | {"type": "identified", "customer_id": "999"}
    assert answer_of(door.pass_on(batch(claim), customer=""))["accepted"] == 1
    assert [person for person in persons(door) if person.customer_id] == []


def test_what_is_passed_on_twice_counts_once(door: ProxyDoor) -> None:
    body = batch(page_viewed(), cart_updated())
    first, again = answer_of(door.pass_on(body, customer="5")), answer_of(door.pass_on(body, customer="5"))
    assert (first["accepted"], first["duplicates"]) == (2, 0)
    assert (again["accepted"], again["duplicates"]) == (0, 2)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"secret": "another"}, "not signed"),
        ({"shop": "other.myshopify.com"}, "another shop"),
        ({"ago": 2 * MINUTE}, "90 seconds"),
        ({"ago": -2 * MINUTE}, "90 seconds"),
        ({"customer": "anna"}, "no number"),
        ({"customer": "é"}, "no number"),
    ],
)
def test_each_refusal_says_why(door: ProxyDoor, change: Json, word: str) -> None:
    answer = door.pass_on(batch(page_viewed()), **change)  # type: ignore[arg-type]
    error = answer_of(answer, 401)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "bad_signature"
    assert word in str(error["message"])
    assert door.kept() == 0


@pytest.mark.parametrize("query", ["", "signature=%C3%A9", "signature=\u00e9&shop=x", "shop=%ff&signature=%00", "&&=&"])
def test_letters_beyond_ascii_are_no_signature_either(door: ProxyDoor, query: str) -> None:
    assert error_code(door.ask(f"{PATH}?{query}", batch(page_viewed()), {"Content-Type": "text/plain"}), 401)


@pytest.mark.parametrize("path", ["/proxy/shopify/nobody/v1/events", "/proxy/shopify/tea/v1/events"])
def test_a_shop_that_is_not_there_or_not_at_shopify_has_no_such_door(door: ProxyDoor, path: str) -> None:
    assert error_code(door.pass_on(batch(page_viewed()), path=path), 404) == "not_found"


def test_an_integration_that_signs_nothing_has_no_such_door(door: ProxyDoor) -> None:
    for name in ("smtp", "nonsense"):
        path = f"/proxy/{name}/ink/v1/events"
        assert error_code(door.pass_on(batch(page_viewed()), path=path), 404) == "not_found"


def test_the_body_is_read_as_strictly_as_any_pages(door: ProxyDoor) -> None:
    assert error_code(door.pass_on(b"[]"), 400) == "malformed_json"
    assert error_code(door.pass_on(b'{"events": 1}'), 400) == "malformed_json"
    assert error_code(door.pass_on(batch(page_viewed()), Content_Type="text/html"), 415) == "wrong_media_type"
    assert error_code(door.pass_on(batch(page_viewed(), padding="x" * 70_000)), 413) == "body_too_large"
    rejected = answer_of(door.pass_on(batch(page_viewed(), visitor="v" * 65), customer="5"))["rejected"]
    assert isinstance(rejected, list)
    assert len(rejected) == 1
    assert door.kept() == 0


def test_a_visitor_and_an_address_may_knock_only_so_often(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXY_SECRET", SECRET)
    door = open_proxy_door(tmp_path, sqlite_url, VISITOR_RATE="1", ADDRESS_RATE="2")
    buckets = (door.house.limits.visitors, door.house.limits.addresses)
    for bucket in buckets:
        monkeypatch.setattr(bucket, "_monotonic", lambda: 0.0)  # no time passes, so nothing flows back
    try:
        for _ in range(6):
            answer_of(door.pass_on(batch(page_viewed()), X_Forwarded_For="192.0.2.1"))
        assert error_code(door.pass_on(batch(page_viewed()), X_Forwarded_For="192.0.2.1"), 429) == "too_many_requests"
        for number in range(5):
            answer_of(door.pass_on(batch(page_viewed(), visitor=f"v{number}x"), X_Forwarded_For="192.0.2.1"))
        one_more = batch(page_viewed(), visitor="v9x")
        assert error_code(door.pass_on(one_more, X_Forwarded_For="192.0.2.1"), 429) == "too_many_requests"
        # Every request comes from the platform: it is the shopper's own address that counts.
        answer_of(door.pass_on(one_more, X_Forwarded_For="192.0.2.2"))
    finally:
        door.close()


def test_a_saved_cart_is_found_there_too(door: ProxyDoor) -> None:
    delivery = "dec_0123456789abcdef01234567.0"
    token = door.house.links.restore("ink", "c1", delivery).rpartition("/")[2]
    for query, path, status in (("", token, 401), (signed_query(), "none", 404), (signed_query(), token, 404)):
        answer = door.client.get(f"/proxy/shopify/ink/v1/carts/{path}?{query}")
        door.contract.names_no_other_than(answer, "GET", "/proxy/{integration}/{shop}/v1/carts/{token}")
        assert answer.status_code == status
        assert (answer.get_json().get("message") == delivery) is (status == 404 and path == token)


def test_the_public_door_is_what_it_was(door: ProxyDoor) -> None:
    assert error_code(door.send(page_viewed(), origin=None), 403) == "origin_not_allowed"
    assert answer_of(door.send(page_viewed(), key=INK_KEY))["accepted"] == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(query=st.text(max_size=80), body=st.binary(max_size=200))
def test_no_bytes_break_it(door: ProxyDoor, query: str, body: bytes) -> None:
    answer = door.client.post(PATH, query_string=query, data=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 401


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    body=st.binary(max_size=200) | st.builds(msgspec.json.encode, st.dictionaries(st.text(), st.integers() | st.text()))
)
def test_no_signed_body_breaks_it_either(door: ProxyDoor, body: bytes) -> None:
    assert door.pass_on(body, customer="5").status_code in (202, 400)
