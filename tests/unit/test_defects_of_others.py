"""What goes wrong in other systems (their code, documents and issue threads), each as a test of ours."""

from __future__ import annotations

import ast
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import engine
from engine.clock import DAY, HOUR, MINUTE, SECOND, from_datetime
from engine.decisions import Guard
from engine.people import Person
from tests.builders import KB, LEFT, SEQUENCE, STUCK, Visit, line, named, rule_set, with_lines

FAQ = "https://shop.example/faq"


@pytest.mark.parametrize(
    "blocked",
    [
        "holdout: 100%",
        "off: true",
        "shadow: true",
        "active: {until: 2020-01-01}",
        "limits: {invitations: 0 per 1d}",
    ],
)
def test_a_first_rule_that_is_held_does_not_keep_the_others_silent(blocked: str) -> None:
    """Live Helper Chat takes the first match; when its event rule fails, lower ones are never tried."""
    first = with_lines(named(STUCK, "first"), "priority: 9", blocked)
    reader = Visit(rule_set(first, STUCK)).reads(45 * SECOND)
    assert reader.fired == ["stuck"]
    assert [rule for rule, _ in reader.silences] == ["first"]


def test_a_first_rule_whose_condition_is_not_met_does_not_keep_the_others_silent() -> None:
    first = with_lines(STUCK.replace("name: stuck", "name: first"), "priority: 9").replace(
        "for: 45s}", "for: 45s}\n  - happened: {event: coupon_rejected, at_least: 2}"
    )
    assert Visit(rule_set(first, STUCK)).reads(45 * SECOND).fired == ["stuck"]


@pytest.mark.parametrize(("times", "fires"), [(2, False), (3, True), (4, True)])
def test_at_least_three_is_three_and_not_four(times: int, fires: bool) -> None:
    """Live Helper Chat counts with ``<`` in one path and ``<=`` in the other."""
    rule = "name: coupon\nwhen: [happened: {event: coupon_rejected, at_least: 3}]\nthen: [invite: Hi]"
    shopper = Visit(rule_set(rule)).opens(FAQ)
    for _ in range(times):
        shopper.later(SECOND).does("coupon_rejected")
    assert bool(shopper.fired) == fires


def test_two_per_day_is_two_and_not_three() -> None:
    rules = rule_set(with_lines(STUCK, "once_per: page"), head="limits: {invitations: 2 per 1d}")
    reader = Visit(rules)
    for number in range(4):
        reader.later(15 * MINUTE).reads(45 * SECOND, f"{KB}/{number}")
    assert len(reader.fired) == 2


def test_a_sale_during_a_chat_is_still_credited() -> None:
    """Live Helper Chat reports no sale while a chat is open or no agent is online."""
    reader = Visit(rule_set(STUCK)).finds_agents(1).reads(45 * SECOND)
    (offer,) = reader.visitor.offers
    reader.does("message_accepted", message=offer.id).does("chat_started", trusted=True).finds_agents(0)
    reader.fills_cart().later(MINUTE).orders()
    assert (reader.visitor.orders, reader.visitor.chatting_since is not None) == (1, True)
    assert reader.visitor.order_ids == ["o1"]


def test_once_per_session_survives_a_change_of_address() -> None:
    """Rocket.Chat's URL changes bypass its run-once; it invites again on every page."""
    reader = Visit(rule_set(STUCK)).reads(45 * SECOND)
    reader.does("message_shown", message=reader.visitor.offers[0].id)
    for number in range(5):
        reader.later(SECOND).reads(50 * SECOND, f"{KB}/{number}?step={number}#top")
    assert reader.fired == ["stuck"]


def test_forty_five_seconds_on_a_page_may_be_combined_with_the_kind_of_page() -> None:
    """Rocket.Chat has one condition a rule: "45 s on the knowledge base" cannot be said there (open since 2017)."""
    assert Visit(rule_set(STUCK)).reads(45 * SECOND).fired == ["stuck"]
    assert Visit(rule_set(STUCK)).reads(45 * SECOND, FAQ).fired == []


def test_of_several_rules_in_the_same_instant_one_speaks_and_the_rest_say_why() -> None:
    """In Zendesk all triggers fire at once; the official cure is a delay of a second."""
    rules = [with_lines(named(STUCK, f"rule-{priority}"), f"priority: {priority}") for priority in (1, 9, 5)]
    reader = Visit(rule_set(*rules)).reads(45 * SECOND)
    assert reader.fired == ["rule-9"]
    assert sorted(reader.silences) == [("rule-1", Guard.PRIORITY), ("rule-5", Guard.PRIORITY)]
    assert all(decision.detail for decision in reader.decisions if decision.guard)


def test_of_several_mails_in_the_same_instant_one_leaves() -> None:
    rules = [with_lines(named(LEFT, f"rule-{priority}"), f"priority: {priority}") for priority in (1, 9, 5)]
    shopper = Visit(rule_set(*rules)).may_be_mailed().fills_cart().waits(HOUR)
    assert shopper.fired == ["rule-9"]
    assert {guard for _, guard in shopper.silences} == {Guard.PRIORITY}
    assert shopper.waits(3 * DAY).fired == ["rule-9"]


def test_time_on_a_page_survives_a_restart_and_a_reload_of_the_rules() -> None:
    """Chatwoot counts with a timer in the page: a reload begins again, and a hidden tab goes on counting."""
    reader = Visit(rule_set(STUCK)).reads(30 * SECOND)
    reader.rules = rule_set(STUCK)
    reader.visitor = type(reader.visitor)(
        **{name: getattr(reader.visitor, name) for name in reader.visitor.__struct_fields__}
    )
    reader.later(SECOND).opens(KB).later(15 * SECOND).has_engaged(15 * SECOND)
    assert reader.fired == ["stuck"]


def test_a_hidden_tab_does_not_count() -> None:
    reader = Visit(rule_set(STUCK)).reads(30 * SECOND).does("page_hidden", engaged_ms=30_000).later(10 * MINUTE)
    assert reader.is_looked_at().fired == []


def test_a_purchase_on_another_device_ends_everything_at_once() -> None:
    """ShopMessage admits reminders after a purchase on another device."""
    shopper = Visit(rule_set(SEQUENCE, named(LEFT, "later").replace("1h", "5h"))).may_be_mailed().fills_cart()
    shopper.waits(2 * HOUR)
    assert shopper.person is not None
    shopper.person.ordered_at = shopper.now
    shopper.person.ordered_carts = ["c1"]
    assert shopper.is_looked_at().endings == [("until", "ordered")]
    assert shopper.waits(7 * DAY).fired == ["sequence"]


def test_one_per_day_is_not_fooled_by_midnight() -> None:
    before = from_datetime(datetime(2026, 11, 21, 23, 50, tzinfo=ZoneInfo("Europe/Amsterdam")))
    head = "shop: {time_zone: Europe/Amsterdam}\nlimits: {invitations: 1 per 1d}"
    reader = Visit(rule_set(with_lines(STUCK, "once_per: page"), head=head), now=before).reads(45 * SECOND)
    reader.later(20 * MINUTE).reads(45 * SECOND, KB + "/2")
    assert reader.fired == ["stuck"]


def test_an_emptied_cart_is_never_mailed_about() -> None:
    shopper = Visit(rule_set(LEFT, SEQUENCE)).may_be_mailed().fills_cart().later(10 * MINUTE).empties_cart()
    assert shopper.waits(7 * DAY).fired == []


def test_a_second_cart_after_an_unsubscribe_is_not_mailed_about() -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().waits(2 * HOUR)
    assert shopper.fired == ["left"]
    assert isinstance(shopper.person, Person)
    shopper.person.unsubscribed_at = shopper.now
    shopper.later(2 * DAY).fills_cart(line("PEN"), cart_id="c2").waits(3 * DAY)
    assert shopper.fired == ["left"]
    assert shopper.silences == [("left", Guard.SUPPRESSED)]


def test_a_no_holds_on_the_next_page_too() -> None:
    """Chatwoot: closing must stick over pages (#3363, #6600)."""
    reader = Visit(rule_set(STUCK, named(STUCK, "other"))).reads(45 * SECOND)
    reader.does("message_dismissed", message=reader.visitor.offers[0].id)
    reader.later(MINUTE).reads(50 * SECOND, KB + "/2")
    assert reader.fired == ["stuck"]


def test_an_empty_desk_delays_the_invitation_and_does_not_lose_it() -> None:
    """Rocket.Chat: without an agent its triggers die (#15757)."""
    reader = Visit(rule_set(STUCK)).finds_agents(0).reads(45 * SECOND)
    assert reader.silences == [("stuck", Guard.AGENTS)]
    assert reader.finds_agents(1).later(15 * SECOND).has_engaged(60_000).fired == ["stuck"]


# --- nothing that a rule or a shopper says is run ---------------------------------------------------------------------

HOME = Path(engine.__path__[0]).parent
SOURCES = sorted([*HOME.glob("engine/**/*.py"), *HOME.glob("integrations/**/*.py")])
RUNS_IN_BROWSERS = r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write"
RUNS_PATTERNS = ("re", "builtins")
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}


def test_nothing_is_evaluated() -> None:
    """Live Helper Chat runs ``eval`` on arithmetic from the rule and from the visitor's attribute."""
    found = [
        f"{path.name}:{node.lineno} {node.func.id}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUNS_TEXT
    ]
    assert found == []


def test_python_s_own_regular_expressions_only_ever_run_patterns_of_ours() -> None:
    """A pattern from a rule file could run for ever in ``re``; every pattern there is a literal in the source."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr != "escape"
        and not (node.args and isinstance(node.args[0], ast.Constant))
    ]
    assert found == []


def test_regular_expressions_are_taken_from_the_module_by_its_name_only() -> None:
    """Else the test above would not see them."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            from_it = isinstance(node, ast.ImportFrom) and node.module in RUNS_PATTERNS
            renamed = isinstance(node, ast.Import) and any(
                name.name in RUNS_PATTERNS and name.asname for name in node.names
            )
            found += [f"{path.name}:{getattr(node, 'lineno', 0)}"] if from_it or renamed else []
    assert found == []


def test_the_storefront_script_runs_no_text() -> None:
    """A shop's policy would forbid it, and what a message says is a stranger's."""
    scripts = sorted((HOME / "snippet" / "src").rglob("*.js"))
    assert scripts
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", text), (
            script
        )


@pytest.mark.parametrize(("total", "fires"), [("49.99", False), ("50.00", True), ("50.01", True)])
def test_from_fifty_is_fifty_and_not_a_cent_less(total: str, fires: bool) -> None:
    rule = 'name: fifty\nwhen: [cart: {total: ">= 50"}]\nthen: [tag: large]'
    shopper = Visit(rule_set(rule)).fills_cart(line(price=total))
    assert bool(shopper.fired) == fires


@pytest.mark.parametrize(("after", "fires"), [(HOUR - 1, False), (HOUR, True)])
def test_an_hour_is_an_hour_and_not_a_moment_less(after: int, fires: bool) -> None:
    shopper = Visit(rule_set(LEFT)).may_be_mailed().fills_cart().later(after).is_looked_at()
    assert bool(shopper.fired) == fires
