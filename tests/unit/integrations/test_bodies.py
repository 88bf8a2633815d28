"""The readers with which every platform's bodies are read."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Unreadable
from engine.integration import amount, group, groups, json_object, require, text, whole, without_nothing, words

NOTHING: tuple[object, ...] = (None, "", "  ", [], {}, False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_is_nothing_however_it_is_written(nothing: object) -> None:
    body = {"it": nothing}
    assert (text(body, "it"), amount(body, "it"), whole(body, "it")) == (None, None, None)
    assert (group(body, "it"), groups(body, "it"), words(body, "it", "else")) == ({}, [], None)
    assert text({}, "it") is None


def test_an_id_of_nineteen_digits_stays_what_it_is() -> None:
    body = json_object(b'{"id": 8209829119461545088}')
    assert text(body, "id") == "8209829119461545088"


@pytest.mark.parametrize(
    ("told", "is_"),
    [("1.10", "1.10"), ('"1.10"', "1.10"), ('" 7 "', "7"), ("0.1", "0.1"), ("-3", "-3"), ("1e-9", "1E-9")],
)
def test_an_amount_is_exact_as_number_and_as_text(told: str, is_: str) -> None:
    assert amount(json_object(f'{{"price": {told}}}'.encode()), "price") == Decimal(is_)


@pytest.mark.parametrize("told", ["gratis", "1,10", "NaN", "Infinity", "1e16", "9" * 17])
def test_what_no_order_comes_to_is_no_amount(told: str) -> None:
    with pytest.raises(Unreadable, match="price is no amount"):
        amount({"price": told}, "price")


def test_a_list_holds_objects_only() -> None:
    assert groups({"lines": [{"id": 1}, None, "x", [], {"id": 2}]}, "lines") == [{"id": 1}, {"id": 2}]


def test_words_stand_one_after_the_other() -> None:
    assert words({"first": " Anna ", "middle": False, "last": "de Wit"}, "first", "middle", "last") == "Anna de Wit"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Unreadable, match="there is no token, line_items in it"):
        require({"id": 1}, "id", "token", "line_items")


def test_what_was_not_told_is_left_out() -> None:
    assert without_nothing({"a": None, "b": 0, "c": "", "d": False}) == {"b": 0, "c": "", "d": False}


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"null", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff"])
def test_only_an_object_is_a_body(body: bytes) -> None:
    with pytest.raises(Unreadable):
        json_object(body)


@given(ANYTHING)
def test_whatever_is_told_is_read_or_is_no_amount(value: object) -> None:
    body = {"it": value}
    said, told, inside = text(body, "it"), whole(body, "it"), groups(body, "it")
    assert said is None or (said == said.strip() and said)
    assert told is None or told == value
    assert all(isinstance(item, dict) for item in inside)
    try:
        number = amount(body, "it")
    except Unreadable:
        return
    assert number is None or abs(number) < Decimal(10) ** 16
