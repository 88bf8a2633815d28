"""Rule files laid out anew: everything else changes, what they say does not."""

from __future__ import annotations

from textwrap import dedent

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.layout import add_entry, tidy
from engine.rules.loader import load

UNTIDY = """\
# What this file is about.
shop:
    currency: EUR          # in this all amounts are meant
    languages: [ 'nl', "en" ]
rules:
- then:
  - invite: 'Kan ik helpen?'
  name: "a"
  when:
  - on_page: {type: 'faq', for: 45 seconds}
  once_per: 1 day
# About b.
- name: b
  when: [{cart: {total: ">= 050"}}]
  then:
    - invite: "It's fine"
    - wait: 1 hour, 30 minutes
    - invite:  NO
"""
TIDY = """\
# What this file is about.
shop:
  currency: EUR            # in this all amounts are meant
  languages: [nl, en]
rules:
  - name: a
    when:
      - on_page: {type: faq, for: 45s}
    then:
      - invite: "Kan ik helpen?"
    once_per: 1d
# About b.
  - name: b
    when: [cart: {total: ">= 050"}]
    then:
      - invite: "It's fine"
      - wait: 1h30m
      - invite: NO
"""


def said(text: str) -> object:
    rules = load(text)
    return rules.shop, [(rule.name, rule.hash) for rule in rules.rules]


def test_indentation_order_quotes_and_durations_become_the_same_everywhere() -> None:
    assert tidy(UNTIDY) == TIDY


def test_what_is_tidy_stays_as_it_is() -> None:
    assert tidy(TIDY) == TIDY


def test_a_rule_is_the_same_however_its_durations_are_spelt() -> None:
    assert said(UNTIDY) == said(TIDY)


def test_nothing_is_moved_past_a_comment() -> None:
    text = dedent("""\
        rules:
          - name: a
            then:
              - invite: Hallo
            # why only there
            when:
              - on_page: faq
            once_per: session
        """)
    assert tidy(text) == text


_words = st.sampled_from(["faq", "'faq'", '"faq"', "returns", '"returns"'])
_times = st.sampled_from(["45s", "45 seconds", "1 m", "90 sec", "1h30m", "1 hour 30 minutes", "2 weeks"])
_days = st.sampled_from(["1 day", "3d", "2 weeks", "48 hours"])
_texts = st.text('abz NO19:,#{}[]&*!|>%@-?éĳ€…😀"\\', min_size=1, max_size=40)
_comments = st.sampled_from(["", "  # a word about it", "\n      # on a line of its own", "\n"])


@st.composite
def _rule(draw: st.DrawFn, number: int) -> str:
    step = draw(st.sampled_from(["- ", "  - "]))
    # What stands in braces is a gap, and must be one that is known.
    text = draw(_texts.filter(str.strip)).replace("'", "''").replace("}", "]")
    parts = [
        f"when:\n    {step}on_page: {{type: {draw(_words)}, for: {draw(_times)}}}{draw(_comments)}\n",
        f"then:\n    {step}invite: '{text}'{draw(_comments)}\n",
        f"once_per: {draw(_days)}{draw(_comments)}\n",
    ]
    ordered = draw(st.permutations(parts))
    return f"  - name: rule-{number}\n" + "".join(f"    {part}" for part in ordered)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 4))
def test_whatever_the_file_it_says_the_same_and_once_is_enough(data: st.DataObject, count: int) -> None:
    text = "rules:\n" + "".join(data.draw(_rule(number)) for number in range(count))
    once = tidy(text)
    assert said(once) == said(text)
    assert tidy(once) == once
    assert text.count("#") <= once.count("#")


# --- adding -----------------------------------------------------------------------------------------------------------

ENTRY = "- name: c\n  when:\n    - cart: filled\n  then:\n    - invite: Hallo\n"


def test_an_entry_is_added_below_the_others_and_nothing_else_changes() -> None:
    added = add_entry(TIDY, "rules", ENTRY)
    assert added.startswith(TIDY)
    assert [rule.name for rule in load(added).rules] == ["a", "b", "c"]


def test_an_entry_follows_the_files_own_indentation() -> None:
    added = add_entry(UNTIDY, "rules", ENTRY)
    assert "\n- name: c\n" in added
    assert [rule.name for rule in load(added).rules] == ["a", "b", "c"]


def test_an_entry_is_added_before_the_next_section() -> None:
    text = "rules:\n  - name: a\n    when: [cart: filled]\n    then: [invite: Hi]\n\nshop:\n  id: b\n"
    added = add_entry(text, "rules", ENTRY)
    assert [rule.name for rule in load(added).rules] == ["a", "c"]
    assert load(added).shop.id == "b"


def test_an_entry_is_added_to_an_empty_list() -> None:
    assert [rule.name for rule in load(add_entry("shop: {id: x}\nrules: []\n", "rules", ENTRY)).rules] == ["c"]
