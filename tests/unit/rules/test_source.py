from __future__ import annotations

import time

import pytest

from engine.errors import RuleFileError
from engine.rules.loader import load
from engine.rules.source import LARGEST_FILE, Mapping, Scalar, Source, canonical, flow, parse

SMALL = "rules:\n  - name: helping-hand\n    when: [on_page: faq]\n    then: [email: cart-reminder]\n"


def _problems(text: str) -> tuple[str, ...]:
    with pytest.raises(RuleFileError) as refusal:
        load(text)
    return refusal.value.problems


def _parsed(text: str) -> Mapping:
    node = parse(Source(text))
    assert isinstance(node, Mapping)
    return node


@pytest.mark.parametrize("written", ["NO", "on", "1:30", "0o17", "1e3", "2026-11-21", "~x", "=", "0.10"])
def test_a_value_stays_the_text_that_was_written(written: str) -> None:
    value = _parsed(f"country: {written}").get("country")
    assert isinstance(value, Scalar)
    assert value.text == written


def test_nothing_is_told_from_an_empty_text() -> None:
    nothing, text = _parsed('a:\nb: ""\n').get("a"), _parsed('a:\nb: ""\n').get("b")
    assert isinstance(nothing, Scalar)
    assert isinstance(text, Scalar)
    assert nothing.empty
    assert not text.empty


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    windows = "\ufeff" + SMALL.replace("\n", "\r\n")
    assert load(windows).rules == load(SMALL).rules


def test_positions_hold_after_windows_and_unicode_line_ends() -> None:
    assert _problems("# \u2028#\r\n" + SMALL.replace("faq", "fax"))[0].startswith("rules.yaml:5:21:")


def test_columns_count_letters_and_not_bytes() -> None:
    text = SMALL.replace("[on_page: faq]", "[{happened: één}]")
    assert _problems(text)[0].splitlines()[0].startswith("rules.yaml:3:23: an event is named")


def test_a_caret_stands_below_the_problem() -> None:
    _, line, caret = _problems(SMALL.replace("faq", "fax"))[0].split("\n")
    assert line[caret.index("^") :].startswith("fax")


def test_a_long_line_is_cut_around_the_problem() -> None:
    long = f'rules:\n  - {{name: a, about: "{"x" * 400}", when: [on_pgae: faq], then: [email: cart-reminder]}}\n'
    _, line, caret = _problems(long)[0].split("\n")
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("on_pgae")


def test_a_file_beyond_the_limit_is_refused_at_once() -> None:
    problem = _problems("#" * (LARGEST_FILE + 1))[0]
    assert "a rule file has at most 5 MB" in problem


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 200_000, "{a: " * 200_000, "rules: " + "[" * 4_000_000])
def test_a_deeply_nested_file_is_refused_at_once(text: str) -> None:
    started = time.thread_time()  # this thread's own, whatever else the machine does
    assert len(_problems(text)) == 1
    assert time.thread_time() - started < 15


def test_a_small_file_cannot_unfold_into_a_large_one() -> None:
    laughs = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert all("YAML anchor" in problem or "unknown section" in problem for problem in _problems(laughs)[:-1])


def test_a_thousand_problems_are_enough() -> None:
    problems = _problems("\n".join(f"section{number}: 1" for number in range(100_000)))
    assert len(problems) == 101
    assert problems[-1] == "rules.yaml: and 900 more"


def test_a_clause_is_shown_on_one_line_as_it_could_have_been_written() -> None:
    node = _parsed("cart:\n  total: '>= 50'\n  contains:\n    brand: [Epson, \"HP, Inc\"]\n")
    assert flow(node) == 'cart: {total: ">= 50", contains: {brand: [Epson, "HP, Inc"]}}'


def test_content_is_the_same_however_it_is_laid_out() -> None:
    assert canonical(_parsed("a: {b: 1, c: [x, 'y']}")) == canonical(
        _parsed("# note\na:\n  c:\n  - x\n  - y\n  b: '1'\n")
    )
    assert canonical(_parsed("a: [x, y]")) != canonical(_parsed("a: [y, x]"))
