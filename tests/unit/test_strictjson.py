"""JSON from strangers: what two readers could understand differently is refused, everything else is as it was sent."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import strictjson
from engine.errors import MalformedJson

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_plain_is_read_as_everybody_reads_it(value: object) -> None:
    body = json.dumps(value)
    assert strictjson.loads(body.encode()) == json.loads(body, parse_float=Decimal)


@given(VALUES)
def test_letters_beyond_ascii_may_stand_as_they_are(value: object) -> None:
    body = json.dumps(value, ensure_ascii=False)
    assert strictjson.loads(body.encode()) == json.loads(body, parse_float=Decimal)


@given(st.binary(max_size=60))
def test_no_bytes_bring_anything_but_a_value_or_a_refusal(body: bytes) -> None:
    with suppress(MalformedJson):
        strictjson.dumps(strictjson.loads(body))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a": 1, "a": 2}', "the same key stands twice"),
        (b'{"a": 1, "\\u0061": 2}', "the same key stands twice"),
        (b'[{"deep": {"a": 1, "a": 1}}]', "the same key stands twice"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e999", "too large"),
        (b"-1e999", "too large"),
        (b"1e-999", "too small"),
        (b"1e99999999999999999999", "exponent"),
        (b"1e-99999999999999999999", "exponent"),
        (b"0." + b"1" * 500, "400 characters"),
        (b"1" * 5_000, "too many digits"),
        (b"[" * 10_000 + b"]" * 10_000, "nesting is too deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nesting is too deep"),
        (rb'"\ud800"', "half a surrogate pair"),
        (rb'{"\udc00": 1}', "half a surrogate pair"),
        (rb'["a", ["\u0000"]]', "NUL"),
        (b'"\x00"', "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_in_one_sentence(body: bytes, says: str) -> None:
    with pytest.raises(MalformedJson, match=says) as refused:
        strictjson.loads(body)
    assert refused.value.status == 400


def test_a_whole_surrogate_pair_is_one_letter() -> None:
    assert strictjson.loads(rb'"\ud83d\ude00"') == "\U0001f600"


def test_a_fraction_keeps_every_digit() -> None:
    assert strictjson.loads(b"[6.95, 0.1]") == [Decimal("6.95"), Decimal("0.1")]


def test_amounts_leave_as_text_and_come_back_the_same() -> None:
    assert (
        strictjson.dumps({"price": Decimal("6.95"), "name": "Löschpapier"})
        == '{"price":"6.95","name":"Löschpapier"}'.encode()
    )
