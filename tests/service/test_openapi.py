"""``/v1/openapi.json``: valid, complete, and true of every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from engine import errors
from engine.clock import MINUTE
from engine.errors import RequestError
from engine.events import CANONICAL_TYPES, REQUIRED
from engine.web.openapi import public_routes
from tests.service.contract import Contract, Schema
from tests.service.doors import (
    INK_KEY,
    Door,
    Json,
    answer_of,
    batch,
    cart_updated,
    happened,
    open_door,
    order_placed,
    page_viewed,
)

DOCS = Path(__file__).parents[2] / "docs"
METHODS = {"get", "post", "put", "patch", "delete", "options"}


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    with open_door(tmp_path, sqlite_url) as opened:
        yield opened


@pytest.fixture
def document(door: Door) -> Schema:
    return answer_of(door.client.get("/v1/openapi.json"), 200)


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_document_is_valid_openapi(document: Schema) -> None:
    assert document["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_for_programs_is_described_with_all_it_may_answer(door: Door, document: Schema) -> None:
    for rule in public_routes(door.app):
        path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        assert path in document["paths"], f"{rule.rule} is not described"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}: say more in engine/web/openapi.py"
            assert operation["summary"].strip(), where
            assert operation["responses"], where
            named = {parameter["name"] for parameter in operation.get("parameters", ())}
            assert named == set(re.findall(r"{(\w+)}", path)), where


def test_no_page_for_people_or_for_development_is_part_of_the_contract(document: Schema) -> None:
    assert not [path for path in document["paths"] if path.startswith(("/dev", "/demo", "/console", "/assets"))]


def test_every_code_of_the_events_door_is_described(document: Schema) -> None:
    answers = document["paths"]["/v1/events"]["post"]["responses"]
    for kind in RequestError.__subclasses__():
        if kind in (errors.NotFound, errors.BadSignature):
            continue
        assert str(kind.status) in answers, f"{kind.__name__} is not described"
        assert kind.code in msgspec.json.encode(answers[str(kind.status)]).decode()


def test_every_required_section_of_the_code_is_required_by_the_document(document: Schema) -> None:
    contract = Contract(document)
    for kind in sorted(CANONICAL_TYPES):
        bare = {"id": "12345678", "type": kind}
        assert contract.takes("Event", bare) == (kind not in REQUIRED), kind


def test_the_documentation_names_every_route_and_code(document: Schema) -> None:
    page = (DOCS / "http.md").read_text()
    for path in document["paths"]:
        assert path.replace("{", "<").replace("}", ">") in page, path
    for kind in RequestError.__subclasses__():
        assert f"`{kind.code}`" in page, kind.code


# --- bodies -----------------------------------------------------------------------------------------------------------

GOOD = (
    page_viewed(),
    cart_updated(),
    cart_updated(total=49.9),
    order_placed(email="anna@shopper.example"),
    happened("quiz_completed", score=7),
    happened("shipping_shown", shipping={"price": 4.95, "currency": "EUR", "estimate": False}),
    happened("agents_changed", agents={"online": 2, "free": None}),
    happened("contact_given", email="anna@shopper.example", consent={"email": True, "text": "Yes", "source": "footer"}),
    {"id": "12345678", "type": "track", "event": "Product Viewed", "properties": {"sku": "INK-1", "price": 24.95}},
    {"id": "12345678", "type": "add_to_cart", "currency": "EUR", "value": 24.95, "items": []},
    {"id": "12345678", "type": "product_viewed", "data": {"productVariant": {}}, "context": {}},
)
BAD = (
    happened("cart_updated"),
    happened("cart_updated", cart={"lines": 7}),
    happened("page_viewed", page={"url": 7}),
    happened("checked_in", engaged_ms=-1),
    {"type": "checked_in"},
    {"id": "short", "type": "checked_in"},
    7,
)


@pytest.mark.parametrize("event", GOOD, ids=range(len(GOOD)))
def test_what_the_door_takes_the_document_takes(door: Door, document: Schema, event: Json) -> None:
    contract = Contract(document)
    assert contract.takes("BrowserBatch", msgspec.json.decode(batch(event)))
    assert contract.takes("ServerBatch", {"events": [event | {"visitor": "v1"}]})


@pytest.mark.parametrize("event", BAD, ids=range(len(BAD)))
def test_what_the_door_rejects_of_ours_the_document_rejects(door: Door, document: Schema, event: object) -> None:
    assert not Contract(document).takes("BrowserBatch", msgspec.json.decode(batch(event)))
    assert answer_of(door.send(event))["rejected"]


# --- answers ----------------------------------------------------------------------------------------------------------


def test_a_whole_story_is_told_as_the_document_says(door: Door, document: Schema) -> None:
    """Every answer of every door that needs no link; :class:`Door` holds those of the events door against it too."""
    contract = Contract(document)
    answers = [
        door.send(page_viewed(ago=MINUTE), cart_updated()),
        door.send(happened("checked_in", engaged_ms=50_000), happened("quiz_completed"), {"type": "x"}),
        door.report(page_viewed() | {"visitor": "v2"}),
        door.knock(b"{"),
        door.send(key="pk_unknown"),
        door.send(origin="https://evil.example"),
        door.send(*[{}] * 101),
        door.knock(batch(), Content_Type="text/html"),
        door.knock(b"x" * 600_000),
    ]
    assert {answer.status_code for answer in answers} == {202, 400, 401, 403, 413, 415}
    assert answer_of(answers[1])["messages"]
    for answer in answers:
        contract.names_no_other_than(answer, "POST", "/v1/events")
    for path in ("/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/v1/rules.schema.json"):
        contract.names_no_other_than(door.client.get(path), "GET", path)
    contract.names_no_other_than(door.client.options("/v1/events"), "OPTIONS", "/v1/events")
    for script in ("/shopbell.js", "/no-such-script.js"):
        contract.names_no_other_than(door.client.get(script), "GET", "/{name}.js")


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


def test_links_answer_as_the_document_says(door: Door, document: Schema) -> None:
    contract = Contract(document)
    door.send(cart_updated(cart_id="c1"))
    links = door.house.links
    good = token_of(links.restore("ink", "c1", "dec_1.0"))
    gone = token_of(links.restore("ink", "no-such-cart", "dec_1.0"))
    leave = token_of(links.unsubscribe("ink", "per_1", "dec_1.0"))
    statuses = []
    for token in (good, gone, "spoilt"):
        for path in ("/v1/carts/{token}", "/c/{token}"):
            answer = door.client.get(path.replace("{token}", token))
            contract.names_no_other_than(answer, "GET", path)
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 404, 404, 404, 404]
    for token in (leave, "spoilt"):
        for method in ("GET", "POST"):
            answer = door.client.open(f"/u/{token}", method=method)
            contract.names_no_other_than(answer, method, "/u/{token}")


def test_a_key_is_what_the_document_says_it_is(document: Schema) -> None:
    contract = Contract(document)
    assert contract.takes("BrowserBatch", {"key": INK_KEY, "visitor": "v1", "events": []})
    assert not contract.takes("BrowserBatch", {"key": "sk_secret", "visitor": "v1", "events": []})
