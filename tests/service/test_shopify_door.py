"""Shopify's door with everything behind it: whatever bytes come, signed or not, none of them bring the house down."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.settings import Settings
from engine.store import quarantine
from integrations.shopify.topics import TOPICS
from tests.service.doors import INK, environment_for, rule_file
from tests.service.platform import PlatformDoor
from tests.unit.integrations.bending import ODD, places, replaced
from tests.unit.integrations.cases import HookCase, cases

SECRET, OLDER = "hush-the-new-one", "hush-the-old-one"
PATH = "/hooks/shopify/ink"
WHOLE = {
    key: json.loads(case.bytes_of("shopify"))
    for key, case in cases("receive", HookCase).items()
    if key.startswith("shopify/") and case.topic in TOPICS and not case.unreadable
}
TOPIC_OF = {key: case.topic for key, case in cases("receive", HookCase).items() if key in WHOLE}
STRANGE = (
    *ODD,
    "\u0000",
    "\ud83d\ude00",
    "a\u0000b",
    "\ufffe",
    2**63,
    -(2**63),
    10**400,
    "9" * 400,
    1e-320,
    ["x"] * 300,
)
"""Beside what is odd: what a database or a JSON reader may not take."""
MANY = settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
_STYLE = st.sampled_from(["X-Shopify-", "Shopify-", "x-shopify-", "SHOPIFY-"])


@pytest.fixture
def door(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    """A production house in which one shop is Shopify's."""
    monkeypatch.setenv("SHOPIFY_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("SHOPIFY_OLD_SECRET", OLDER)
    (tmp_path / "rules").mkdir()
    named = "integrations:\n  shopify: {shop: voorbeeld.myshopify.com, previous_secret: env:SHOPIFY_OLD_SECRET}\n"
    (tmp_path / "rules" / "ink.yaml").write_text(rule_file("ink", INK).replace("integrations:\n", named))
    opened = PlatformDoor(Settings.from_env(environment_for(tmp_path, database_url)))
    yield opened
    opened.close()


def signed(body: bytes, topic: str, name: str, *, style: str = "X-Shopify-", secret: str = SECRET) -> dict[str, str]:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    told = {"Topic": topic, "Webhook-Id": name, "Hmac-Sha256": signature, "Shop-Domain": "voorbeeld.myshopify.com"}
    return {f"{style}{key}": value for key, value in told.items()}


def knock(door: PlatformDoor, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """The status, and the result or the error; every answer is held against the published contract, without a 500."""
    answer = door.post(PATH, body, headers)
    told = answer.get_json()
    return answer.status_code, str(told["result"] if answer.status_code == 200 else told["error"]["code"])


@pytest.mark.parametrize("style", ["X-Shopify-", "Shopify-"])
def test_what_was_recorded_is_taken_in_under_both_styles_of_headers(door: PlatformDoor, style: str) -> None:
    for key, whole in WHOLE.items():
        body = json.dumps(whole).encode()
        told = knock(door, body, signed(body, TOPIC_OF[key], key, style=style))
        assert told in ((200, "accepted"), (200, "duplicate")), key
    assert quarantine.everything(door.engine) == []


def test_what_one_action_brought_about_is_heard_topic_by_topic(door: PlatformDoor) -> None:
    """All deliveries of one action of the merchant share their event id; what names a delivery is its own."""
    told = [key for key in WHOLE if key in ("shopify/orders_create", "shopify/checkouts_create", "shopify/variants")]
    for key in told:
        body = json.dumps(WHOLE[key]).encode()
        headers = signed(body, TOPIC_OF[key], key) | {"X-Shopify-Event-Id": "one-action"}
        assert knock(door, body, headers) == (200, "accepted")
        assert knock(door, body, headers | {"X-Shopify-Webhook-Id": "another"}) == (200, "duplicate")
    assert len(told) == 3


@pytest.mark.parametrize("moment", ["2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "now", ""])
def test_when_it_was_sent_is_no_reason_to_believe_or_refuse_it(door: PlatformDoor, moment: str) -> None:
    """The header is signed by nobody; how old a body is says the body."""
    body = json.dumps(WHOLE["shopify/orders_create"]).encode()
    headers = signed(body, "orders/create", "one") | {"X-Shopify-Triggered-At": moment, "X-Shopify-Name": "bell"}
    assert knock(door, body, headers) == (200, "accepted")


def test_the_new_events_of_which_nothing_is_known_yet_are_acknowledged(door: PlatformDoor) -> None:
    body = b'{"product": {"id": "gid://shopify/Product/1"}}'
    told = {"Topic": "Product", "Action": "update", "Handle": "bell", "Webhook-Id": "e1"}
    headers = {f"Shopify-{name}": value for name, value in told.items()}
    signature = signed(body, "Product", "e1", style="Shopify-")["Shopify-Hmac-Sha256"]
    assert knock(door, body, headers | {"Shopify-Hmac-Sha256": signature}) == (200, "unknown_topic")
    assert knock(door, body, headers) == (401, "bad_signature")


def test_of_what_was_changed_on_its_way_the_log_tells_length_and_digest_and_not_a_word(door: PlatformDoor) -> None:
    body = json.dumps(WHOLE["shopify/shipping_shock"]).encode()
    headers, changed = signed(body, "checkouts/update", "one"), body + b"\n"
    with structlog.testing.capture_logs() as lines:
        assert knock(door, changed, headers) == (401, "bad_signature")
    [line] = [line for line in lines if line["event"] == "hook refused"]
    assert (line["length"], line["sha256"]) == (len(changed), hashlib.sha256(changed).hexdigest()[:12])
    assert set(line) == {"event", "log_level", "shop", "integration", "reason", "length", "sha256"}
    assert not any(word in str(lines) for word in ("sanne", "Koptelefoon", "recover"))


@MANY
@given(data=st.data())
def test_a_signed_body_with_something_strange_in_it_is_taken_in_or_set_aside(
    door: PlatformDoor, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(WHOLE)))
    body: object = WHOLE[key]
    for _ in range(data.draw(st.integers(1, 4))):
        body = replaced(body, data.draw(st.sampled_from(list(places(body)))), data.draw(st.sampled_from(STRANGE)))
    # Under its own topic, or under any other: the topic is signed by nobody.
    topic = data.draw(st.just(TOPIC_OF[key]) | st.sampled_from(sorted(TOPICS)))
    raw = json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode(errors="surrogatepass")
    secret = data.draw(st.sampled_from([SECRET, OLDER]))
    headers = signed(raw, topic, data.draw(st.uuids()).hex, style=data.draw(_STYLE), secret=secret)
    status, result = knock(door, raw, headers)
    assert (status, result in ("accepted", "duplicate", "quarantined")) == (200, True)


@MANY
@given(
    body=st.binary(max_size=300) | st.sampled_from([b"", b"{}", b"[]", b"null", b"[" * 9_000, b'{"id": NaN}', b"\xff"]),
    topic=_HEADER | st.sampled_from(sorted(TOPICS)),
    name=_HEADER,
    signature=_HEADER,
    style=_STYLE,
)
def test_any_bytes_are_refused_unsigned_and_answered_signed(
    door: PlatformDoor, body: bytes, topic: str, name: str, signature: str, style: str
) -> None:
    headers = signed(body, topic.strip(), name.strip(), style=style)
    assert knock(door, body, headers)[0] == 200
    forged = headers | {f"{style}Hmac-Sha256": signature.strip()}
    assert knock(door, body, forged) == (401, "bad_signature")
