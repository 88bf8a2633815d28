"""Verdicts: NotMet beats Unknown, Unknown never fires, and nothing is promised for a moment that nobody knows."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.verdicts import (
    Asks,
    Part,
    State,
    Verdict,
    all_of,
    any_of,
    describe,
    met,
    not_met,
    not_yet,
    opposite,
    unknown,
)
from engine.said import say

ASKS = st.sampled_from(Asks)
SINGLE = st.one_of(
    st.just(met()),
    st.builds(lambda asks: not_met(asks=asks), ASKS),
    st.builds(lambda asks: unknown(say("a fact"), asks=asks), ASKS),
    st.builds(lambda at, asks: not_yet(at, asks=asks), st.integers(1, 100), ASKS),
)
SEVERAL = st.lists(SINGLE, min_size=1, max_size=5)


def parts(verdicts: list[Verdict]) -> tuple[Part, ...]:
    return tuple(Part("a clause", verdict) for verdict in verdicts)


def states(verdicts: list[Verdict]) -> set[State]:
    return {verdict.state for verdict in verdicts}


@given(SEVERAL)
def test_all_is_met_only_when_every_part_is(verdicts: list[Verdict]) -> None:
    assert all_of(parts(verdicts)).met == (states(verdicts) == {State.MET})


@given(SEVERAL)
def test_in_all_not_met_beats_unknown_beats_not_yet(verdicts: list[Verdict]) -> None:
    order = [State.NOT_MET, State.UNKNOWN, State.NOT_YET, State.MET]
    assert all_of(parts(verdicts)).state == next(state for state in order if state in states(verdicts))


@given(SEVERAL)
def test_in_any_met_beats_not_yet_beats_unknown(verdicts: list[Verdict]) -> None:
    order = [State.MET, State.NOT_YET, State.UNKNOWN, State.NOT_MET]
    assert any_of(parts(verdicts)).state == next(state for state in order if state in states(verdicts))


@given(SEVERAL)
def test_all_waits_for_the_last_and_any_for_the_first(verdicts: list[Verdict]) -> None:
    moments = [verdict.at for verdict in verdicts if verdict.at is not None]
    every, one = all_of(parts(verdicts)), any_of(parts(verdicts))
    if every.state is State.NOT_YET:
        assert every.at == max(moments)
    if one.state is State.NOT_YET:
        assert one.at == min(moments)


@given(SEVERAL)
def test_the_clock_never_answers_what_only_the_page_can(verdicts: list[Verdict]) -> None:
    whole = all_of(parts(verdicts))
    if whole.state is State.NOT_YET:
        asked = {verdict.asks for verdict in verdicts if verdict.state is State.NOT_YET}
        assert (whole.asks is Asks.CLOCK) == (asked == {Asks.CLOCK})


@given(SEVERAL)
def test_a_page_asks_again_only_when_nothing_but_the_house_is_in_the_way(verdicts: list[Verdict]) -> None:
    whole = all_of(parts(verdicts))
    if whole.state in (State.NOT_MET, State.UNKNOWN):
        against = [v for v in verdicts if v.state in (State.NOT_MET, State.UNKNOWN)]
        assert (whole.asks is Asks.HOUSE) == all(verdict.asks is Asks.HOUSE for verdict in against)


@given(SEVERAL, st.randoms())
def test_the_order_of_the_parts_decides_nothing(verdicts: list[Verdict], chance: Random) -> None:
    mixed = list(verdicts)
    chance.shuffle(mixed)
    for combine in (all_of, any_of):
        before, after = combine(parts(verdicts)), combine(parts(mixed))
        assert (before.state, before.at) == (after.state, after.at)


@given(SINGLE)
def test_a_single_part_answers_for_the_whole(verdict: Verdict) -> None:
    assert all_of(parts([verdict])).state is any_of(parts([verdict])).state is verdict.state


@given(SINGLE)
def test_not_turns_a_yes_and_a_no_around_and_leaves_the_unknown(verdict: Verdict) -> None:
    turned = opposite(Part("a clause", verdict))
    assert turned.met == (verdict.state in (State.NOT_MET, State.NOT_YET))
    assert (turned.state is State.UNKNOWN) == (verdict.state is State.UNKNOWN)


@given(SINGLE)
def test_two_nots_never_make_a_yes_of_what_was_none(verdict: Verdict) -> None:
    twice = opposite(Part("not", opposite(Part("a clause", verdict))))
    assert twice.met == verdict.met


@given(st.lists(st.one_of(st.just(met()), st.builds(not_met)), min_size=1, max_size=5))
def test_not_any_is_all_not_where_everything_is_known_now(verdicts: list[Verdict]) -> None:
    none_of = opposite(Part("any", any_of(parts(verdicts))))
    each_not = all_of(parts([opposite(Part("a clause", verdict)) for verdict in verdicts]))
    assert none_of.state is each_not.state


def test_what_was_seen_is_told_in_the_words_of_a_person() -> None:
    assert describe(45_000, "ms") == "45 s"
    assert describe(695, "EUR") == "6.95 EUR"
    assert describe(0.08, "%") == "8.0%"
    assert describe(None, "") == "nothing"
    assert describe("hidden", "") == "hidden"
