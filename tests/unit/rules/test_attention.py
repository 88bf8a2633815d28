from __future__ import annotations

from engine.clock import HOUR, MINUTE, SECOND
from engine.rules.verdicts import Asks, State
from tests.unit.rules.shoppers import Shopper, check

KNOWLEDGE_45S = "on_page: {type: knowledge_base, for: 45s}"


def test_a_reader_of_45_engaged_seconds_is_on_the_page() -> None:
    verdict = check(KNOWLEDGE_45S, Shopper().reads("knowledge_base", 45))
    assert verdict.met
    assert (verdict.seen, verdict.wanted, verdict.unit) == (45_000, 45_000, "ms")


def test_a_reader_of_30_seconds_is_asked_again_after_15_more_engaged_ones() -> None:
    shopper = Shopper().reads("knowledge_base", 30)
    verdict = check(KNOWLEDGE_45S, shopper)
    assert verdict.state is State.NOT_YET
    assert verdict.asks is Asks.ENGAGED
    assert verdict.at == shopper.at + 15 * SECOND
    assert (verdict.seen, verdict.wanted) == (30_000, 45_000)


def test_time_that_no_page_reported_does_not_count() -> None:
    verdict = check(KNOWLEDGE_45S, Shopper().opens("knowledge_base"), after=2 * MINUTE)
    assert (verdict.state, verdict.seen) == (State.NOT_YET, 0)


def test_a_reader_who_looks_away_is_not_on_the_page() -> None:
    shopper = Shopper().reads("knowledge_base", 60).looks_away()
    verdict = check(KNOWLEDGE_45S, shopper)
    assert (verdict.state, verdict.seen) == (State.NOT_MET, "hidden")
    assert check(KNOWLEDGE_45S, shopper.looks_back()).met


def test_consecutive_pages_of_one_type_count_together() -> None:
    shopper = Shopper().reads("knowledge_base", 25, "/help/ink").reads("knowledge_base", 20, "/help/paper")
    assert check(KNOWLEDGE_45S, shopper).met
    assert not check("on_page: {type: knowledge_base, for: 45s, across: page}", shopper).met


def test_another_page_in_between_breaks_the_stretch_but_not_the_visit() -> None:
    shopper = Shopper().reads("knowledge_base", 25).reads("product", 5).reads("knowledge_base", 20)
    assert not check(KNOWLEDGE_45S, shopper).met
    assert check("on_page: {type: knowledge_base, for: 45s, across: session}", shopper).met


def test_the_whole_visit_counts_only_the_types_that_were_asked_for() -> None:
    shopper = Shopper().reads("product", 100).reads("faq", 30)
    assert not check("on_page: {type: [faq, returns], for: 45s, across: session}", shopper).met


def test_a_list_of_types_means_any_of_them() -> None:
    assert check("on_page: [faq, returns]", Shopper().opens("returns")).met


def test_a_page_of_another_type_is_told_by_its_type() -> None:
    verdict = check("on_page: [faq, returns]", Shopper().opens("product"))
    assert (verdict.state, verdict.seen, verdict.wanted) == (State.NOT_MET, "product", "faq or returns")


def test_a_page_is_found_by_its_address() -> None:
    shopper = Shopper().reads("product", 130, "https://shop.example/inkt/zwart")
    assert check("on_page: {url: /inkt/*, for: 2m}", shopper).met
    assert check("on_page: {url: /papier/*, for: 2m}", shopper).state is State.NOT_MET


def test_time_on_an_address_leaves_out_other_pages_of_its_type() -> None:
    shopper = Shopper().reads("product", 130, "https://shop.example/papier/a4")
    shopper.reads("product", 10, "https://shop.example/inkt/zwart")
    assert check("on_page: {url: /inkt/*, for: 2m}", shopper).seen == 10_000


def test_nobody_is_on_a_page_before_any_was_seen() -> None:
    assert check("on_page: faq", Shopper()).state is State.NOT_MET


def test_a_page_not_heard_of_for_longer_than_a_visit_is_not_a_page_anybody_is_on() -> None:
    shopper = Shopper().reads("faq", 50)
    assert check("on_page: {type: faq, for: 45s}", shopper, after=30 * MINUTE).met
    assert check("on_page: {type: faq, for: 45s}", shopper, after=31 * MINUTE).state is State.NOT_MET


def test_visible_time_ends_at_the_last_sign_of_life() -> None:
    shopper = Shopper().opens("faq").later(20 * SECOND).has_engaged(3)
    verdict = check("on_page: {type: faq, for: 1m, counting: visible}", shopper, after=HOUR // 4)
    assert (verdict.state, verdict.seen, verdict.asks) == (State.NOT_YET, 20_000, Asks.VISIBLE)


def test_elapsed_time_runs_by_the_clock() -> None:
    shopper = Shopper().opens("faq")
    assert check("on_page: {type: faq, for: 1m, counting: elapsed}", shopper, after=59 * SECOND).asks is Asks.VISIBLE
    assert check("on_page: {type: faq, for: 1m, counting: elapsed}", shopper, after=60 * SECOND).met


def test_the_tab_last_seen_is_the_page_the_shopper_is_on() -> None:
    shopper = Shopper().opens("faq", tab="t1").later(SECOND).opens("product", tab="t2")
    assert check("on_page: product", shopper).met
    assert not check("on_page: faq", shopper).met
