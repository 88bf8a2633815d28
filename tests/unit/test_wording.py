"""Somebody's name in a text that others wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store.wording import addresses_in, stands_in

ANNA = "anna@shopper.example"


@pytest.mark.parametrize(
    "text",
    [
        '{"email":"Anna@Shopper.Example"}', '"anna\\u0040shopper.example"', "a=anna%40shopper.example&b=1",
        "<mail>anna@shopper.example</mail>", '"Anna <anna@shopper.example>, "', "mailto:anna@shopper.example.",
        "https:\\/\\/x.example\\/?m=anna@shopper.example",
    ],
)  # fmt: skip
def test_an_address_is_found_however_it_is_written(text: str) -> None:
    assert addresses_in(text) == {ANNA}
    assert stands_in(text, [ANNA])


@pytest.mark.parametrize("text", ["joanna@shopper.example1", "1911670", "a191167", "", "@", "anna@", "@@", "x" * 10])
def test_what_only_holds_its_letters_is_somebody_else(text: str) -> None:
    assert not stands_in(text, [ANNA, "191167", ""])
    assert ANNA not in addresses_in(text)


def test_a_word_stands_beyond_its_lookalikes() -> None:
    assert stands_in("1911670 1911671 191167,", ["191167"])


def test_two_million_letters_are_looked_through_once() -> None:
    for text in ("a" * 2_000_000, "a@" * 1_000_000, "@" * 2_000_000, "%" * 2_000_000):
        assert not stands_in(text, [ANNA])
        assert ANNA not in addresses_in(text)


@given(st.text(max_size=60))
def test_any_text_at_all_is_looked_through(text: str) -> None:
    assert isinstance(stands_in(text, [ANNA]), bool)
    assert all("@" in address for address in addresses_in(text))
