"""Any address and any bytes at the doors behind a mail's links and in front of a shop's own pages: never a 500."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.store.unit import OUTCOMES, SUPPRESSIONS
from tests.service.doors import Door, cart_updated, open_door, page_viewed

quietly = hypothesis_settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_KINDS = ("c", "u", "s", "v1/carts")
_METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
_HEADERS = st.dictionaries(
    st.sampled_from(["Accept-Language", "Cookie", "Referer", "Content-Type", "Origin", "X-Forwarded-For", "Range"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
    max_size=3,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    with open_door(tmp_path, request.getfixturevalue(f"{request.param}_url")) as opened:
        opened.send(page_viewed(), cart_updated(cart_id="cart-1"), visitor="visitor-1")
        yield opened


def links_of(door: Door) -> list[str]:
    """One good link of each kind, without the host."""
    links = door.house.links
    made = [
        links.restore("ink", "cart-1", "dec_1.0"),
        links.unsubscribe("ink", "per_1", "dec_1.0", "a1b2"),
        f"{links.survey('ink', 'visitor-1', 'dec_1.0')}/3",
        links.restore("ink", "cart-\U0001f6cd", "x" * 300),
        links.unsubscribe("no-such-shop", "per_\u0001", "'; --", "\u202e"),
    ]
    return [link.removeprefix(door.settings.public_url) for link in made]


@quietly
@given(
    kind=st.sampled_from(_KINDS),
    token=st.binary(max_size=120),
    method=_METHODS,
    headers=_HEADERS,
    more=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_whatever_somebody_types_for_a_link_is_no_link(
    door: Door, kind: str, token: bytes, method: str, headers: dict[str, str], more: str
) -> None:
    path = f"/{kind}/{quote_from_bytes(token, safe='')}"
    answer = door.client.open(path, method=method, headers=headers, query_string={"more": more})
    assert 300 <= answer.status_code < 500 or method == "OPTIONS"
    assert door.rows(SUPPRESSIONS) == []


@quietly
@given(data=st.data())
def test_a_link_with_a_letter_changed_opens_nothing(door: Door, data: st.DataObject) -> None:
    """Also under another kind's address: what a link is good for stands in its signature."""
    _, kind, token, *answer = data.draw(st.sampled_from(links_of(door))).split("/")
    at = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.sampled_from("aZ0._-~%= "))
    bent = data.draw(st.sampled_from([token[:at] + letter + token[at:], token[:at], token[:at] + token[at + 1 :]]))
    other = data.draw(st.sampled_from([name for name in ("c", "u", "s") if name != kind]))
    path = data.draw(st.sampled_from([["", kind, bent, *answer], ["", other, token, "3"], ["", other, token]]))
    method, body = data.draw(st.sampled_from(["GET", "POST"])), data.draw(st.binary(max_size=40))
    assert 300 <= door.client.open("/".join(path), method=method, data=body).status_code < 500
    assert door.rows(OUTCOMES) == []


@pytest.mark.parametrize("number", range(5))
def test_a_good_link_with_anything_inside_is_answered(door: Door, number: int) -> None:
    path = links_of(door)[number]
    for method in ("GET", "POST", "POST"):
        assert door.client.open(path, method=method).status_code < 500
    assert door.client.get(path.replace("/c/", "/v1/carts/")).status_code < 500
