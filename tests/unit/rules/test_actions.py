"""What a rule can do: each step, and what it leaves behind."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, Millis, from_datetime
from engine.decisions import Guard
from engine.errors import RuleFileError
from engine.rules import schema
from engine.rules.actions import ACTIONS
from tests.builders import LEFT, NOON, SEQUENCE, STUCK, Visit, line, named, rule_set, with_lines

SHOP = """
shop:
  languages: [en, nl]
  time_zone: Europe/Amsterdam
  free_shipping_from: 50.00
  phone: "+31 (0)575 12 34 56"
  office_hours: mon-fri 09:00-17:00
"""


def doing(*steps: str, head: str = SHOP, after: str = "on_page: {type: knowledge_base, for: 45s}") -> Visit:
    """A reader for whom a rule with these steps has just been met."""
    then = "\n".join(f"  - {step}" for step in steps)
    rules = rule_set(f"name: does\nwhen:\n  - {after}\nthen:\n{then}", head=head)
    return Visit(rules).may_be_mailed().fills_cart(line(price="37.50")).reads(45 * SECOND)


def shown(visit: Visit) -> dict[str, object]:
    (offer,) = visit.visitor.offers
    message: dict[str, object] = json.loads(offer.body)
    return message


@pytest.mark.parametrize("word", ACTIONS)
def test_the_examples_of_the_reference_can_be_used(word: str) -> None:
    steps = "\n".join(f"  {part}" for part in schema.example(ACTIONS[word]).splitlines())
    last = "" if word != "wait" else "\n  - stop"
    (rule,) = rule_set(f"name: r\nwhen: [on_page: faq]\nthen:\n{steps}{last}", head=SHOP).rules
    assert {step.kind for step in rule.then} >= {word}


# --- on the page ------------------------------------------------------------------------------------------------------


def test_a_nudge_says_what_is_missing_in_the_shopper_s_language() -> None:
    nudge = 'nudge: {text: {nl: "Nog {gap} tot gratis verzending.", en: "Only {gap} to free shipping."}}'
    message = shown(doing(nudge))
    assert (message["kind"], message["text"], message["actions"]) == ("nudge", "Only €12.50 to free shipping.", [])
    dutch = Visit(rule_set(f"name: n\nwhen: [cart: filled]\nthen:\n  - {nudge}", head=SHOP))
    dutch.visitor.language = "nl-NL"
    text = str(shown(dutch.fills_cart(line(price="37.50")))["text"]).replace("\xa0", " ")
    assert text == "Nog € 12,50 tot gratis verzending."


def test_a_nudge_whose_gap_is_not_known_is_not_shown() -> None:
    enough = Visit(rule_set("name: n\nwhen: [cart: filled]\nthen: [nudge: 'Only {gap} more']", head=SHOP))
    assert enough.fills_cart(line(price="80")).silences == [("n", Guard.UNTOLD)]


@pytest.mark.parametrize("text", ["{gab} more", "{gap.__class__}", "{0}", "{gap!r}", "{ gap }", "{Gap}"])
def test_a_gap_is_a_known_word_and_nothing_else(text: str) -> None:
    with pytest.raises(RuleFileError):
        rule_set(f"name: n\nwhen: [cart: filled]\nthen: [nudge: '{text}']")


@pytest.mark.parametrize("text", ["{", "a } b", "}{", "{}", ":-{"])
def test_a_brace_that_holds_nothing_is_a_brace(text: str) -> None:
    assert shown(doing(f"nudge: '{text}'"))["text"] == text


def test_a_nudge_tells_what_is_left_of_what_was_looked_at_last() -> None:
    nudge = "name: n\nwhen: [on_page: product]\nthen: [nudge: 'Only {stock} left']"
    reader = Visit(rule_set(nudge))
    url = "https://shop.example/products/ink"
    reader.opens(url).later(SECOND).does("product_viewed", page={"url": url}, product={"id": "p1", "stock": 2})
    assert shown(reader)["text"] == "Only 2 left"
    sold_out = Visit(rule_set(nudge)).does("product_viewed", page={"url": url}, product={"id": "p1", "stock": 0})
    assert sold_out.silences == [("n", Guard.UNTOLD)]


def test_what_a_shop_is_called_cannot_open_a_gap_of_its_own() -> None:
    head = SHOP.replace("shop:", "shop:\n  name: 'Ink {phone}'")
    assert shown(doing("nudge: 'Hello from {shop}'", head=head))["text"] == "Hello from Ink {phone}"


@pytest.mark.parametrize(
    ("invite", "button"),
    [
        ("{text: Hi, opens: phone}", {"open": "phone", "label": "Call us", "href": "tel:+31575123456"}),
        (
            "{text: Hi, opens: callback, href: /call-me}",
            {"open": "callback", "label": "Call me back", "href": "/call-me"},
        ),
        ("{text: Hi, opens: link, href: /guide, label: Go}", {"open": "link", "label": "Go", "href": "/guide"}),
        ("Hi", {"open": "chat", "label": "Chat with us"}),
    ],
)
def test_an_invitation_opens_what_it_says(invite: str, button: dict[str, str]) -> None:
    assert shown(doing(f"invite: {invite}"))["actions"] == [button]


def test_nobody_is_asked_to_call_a_shop_without_a_number() -> None:
    reader = doing("invite: {text: Hi, opens: phone}", head="")
    assert reader.silences == [("does", Guard.UNTOLD)]


def test_whoever_follows_a_link_is_not_in_a_chat() -> None:
    reader = doing("nudge: {text: See this, href: /guide}")
    (offer,) = reader.visitor.offers
    reader.does("message_accepted", message=offer.id, action="link")
    assert reader.visitor.chatting_since is None
    assert reader.visitor.accepted_at == reader.now


# --- waiting ----------------------------------------------------------------------------------------------------------


def local(zone: str, day: int, hour: int, month: int = 11) -> Millis:
    return from_datetime(datetime(2026, month, day, hour, tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("country", "zone", "day"), [("NL", "Europe/Amsterdam", 22), ("JP", "Asia/Tokyo", 22), ("GB", "Europe/London", 22)]
)
def test_nine_o_clock_is_nine_on_the_shopper_s_own_clock(country: str, zone: str, day: int) -> None:
    reader = Visit(
        rule_set("name: w\nwhen: [on_page: faq]\nthen: [{wait: 'until 09:00'}, {email: cart-reminder}]", head=SHOP)
    )
    reader.does("page_viewed", page={"url": "https://shop.example/faq"}, country=country)
    assert reader.due_at == local(zone, day, 9)


def test_at_nine_o_clock_itself_nothing_is_waited_for() -> None:
    rules = rule_set("name: w\nwhen: [on_page: faq]\nthen: [{wait: 'until 09:00'}, {tag: early}]", head=SHOP)
    reader = Visit(rules, now=local("Europe/Amsterdam", 23, 9)).opens("https://shop.example/faq")
    assert reader.visitor.tags == ["early"]
    assert reader.visitor.runs == {}


def test_until_nine_survives_the_night_in_which_the_clock_is_put_back() -> None:
    rules = rule_set("name: w\nwhen: [on_page: faq]\nthen: [{wait: 'until 09:00'}, {tag: early}]", head=SHOP)
    reader = Visit(rules, now=local("Europe/Amsterdam", 24, 20, 10)).opens("https://shop.example/faq")
    assert reader.due_at == local("Europe/Amsterdam", 25, 9, 10)
    assert reader.due_at - reader.now == 14 * HOUR


def test_until_office_hours_waits_for_monday_on_a_saturday() -> None:
    reader = doing("wait: until office_hours", "tag: helped")
    assert reader.due_at == local("Europe/Amsterdam", 23, 9)
    assert reader.waits(3 * DAY).visitor.tags == ["helped"]


@pytest.mark.parametrize("pause", ["until 25:00", "until", "until lunch", "90", "until 9"])
def test_a_wait_that_makes_no_sense_is_refused(pause: str) -> None:
    with pytest.raises(RuleFileError):
        rule_set(f"name: w\nwhen: [on_page: faq]\nthen: [{{wait: '{pause}'}}, {{tag: x}}]")


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_stop_ends_other_rules_on_their_way_with_a_reason() -> None:
    stops = "name: angry\nwhen: [happened: chat_started]\nthen:\n  - stop: [sequence]"
    shopper = Visit(rule_set(SEQUENCE, stops)).may_be_mailed().fills_cart().waits(2 * HOUR)
    assert shopper.visitor.runs.keys() == {"sequence"}
    shopper.does("chat_started", trusted=True)
    assert shopper.endings == [("stopped_by_a_rule", "'angry'")]
    assert shopper.visitor.runs == {}


def test_stop_alone_ends_its_own_rule_and_nothing_comes_after() -> None:
    reader = doing("tag: seen", "stop", "tag: never")
    assert (reader.visitor.tags, reader.visitor.runs, reader.fired) == (["seen"], {}, ["does"])


# --- behind the counter -----------------------------------------------------------------------------------------------


def test_a_tag_is_given_once_and_taken_away() -> None:
    reader = doing("tag: [a, b]", "tag: b", "tag: {remove: a}")
    assert reader.visitor.tags == ["b"]


def test_an_audience_needs_consent_to_marketing() -> None:
    step = "audience: left-at-shipping"
    assert doing(step).silences == [("does", Guard.NO_BASIS)]
    reader = Visit(rule_set(f"name: does\nwhen: [on_page: faq]\nthen:\n  - {step}"))
    reader.does("consent_changed", consent={"marketing": True}).opens("https://shop.example/faq")
    assert reader.last.audiences == [("left-at-shipping", True, "does")]


def test_a_rule_that_ends_early_still_takes_the_shopper_off_its_list() -> None:
    steps = "then: [audience: ask-us, wait: 14d, audience: {remove: ask-us}]"
    rules = rule_set(f"name: ad\nwhen: [cart: filled]\n{steps}\nuntil: [ordered]\nonce_per: cart")
    buyer = Visit(rules).does("consent_changed", consent={"marketing": True}).fills_cart()
    assert buyer.last.audiences == [("ask-us", True, "ad")]
    buyer.later(HOUR).orders()
    assert buyer.last.audiences == [("ask-us", False, "ad")]
    assert buyer.endings == [("until", "ordered")]
    patient = Visit(rules).does("consent_changed", consent={"marketing": True}).fills_cart().waits(14 * DAY)
    assert patient.last.audiences == [("ask-us", False, "ad")]


def test_whoever_is_taken_off_a_list_needs_no_consent_for_it() -> None:
    assert doing("audience: {remove: left-at-shipping}").last.audiences == [("left-at-shipping", False, "does")]


def test_a_webhook_tells_who_and_what_and_no_address() -> None:
    reader = doing("webhook: {url: https://crm.example/hook, secret: env:CRM_SECRET, note: stuck}")
    (planned,) = reader.last.planned
    body = json.loads(planned.body)
    assert (planned.kind, body["url"], body["secret"]) == ("webhook", "https://crm.example/hook", "env:CRM_SECRET")
    assert body["message"]["rule"] == "does"
    assert body["message"]["visitor"] == "visitor-1"
    assert b"@" not in planned.body
    assert reader.visitor.contacts == [], "no shopper notices it, so it costs no budget"


@pytest.mark.parametrize(
    "hook",
    [
        "{url: http://crm.example/hook, secret: env:S}",
        "{url: https://crm.example/hook, secret: hunter2}",
        "{url: https://user:pass@crm.example/hook, secret: env:S}",
        "{url: https://crm.example/hook}",
    ],
)
def test_a_webhook_without_https_or_a_hidden_secret_is_refused(hook: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        rule_set(f"name: w\nwhen: [on_page: faq]\nthen:\n  - webhook: {hook}")
    assert "hunter2" not in str(refused.value.problems)


def test_a_note_for_the_agent_stands_with_the_decision() -> None:
    reader = doing("tell_agent: 'Cart of {total}, {shipping} shipping.'")
    (planned,), (decision,) = reader.last.planned, reader.decisions
    assert (planned.kind, planned.decision) == ("tell_agent", decision.id)
    assert json.loads(planned.body) == {"note": "Cart of €37.50, – shipping."}


def test_a_survey_is_a_mail_with_all_its_guards() -> None:
    reader = doing(
        "survey: {question: {en: 'Was it easy?', nl: 'Ging het?'}}", head=SHOP + "  quiet_hours: 12:00-15:00\n"
    )
    (planned,) = reader.last.planned
    assert planned.kind == "survey"
    assert planned.due_at == local("Europe/Amsterdam", 21, 15)
    assert json.loads(planned.body)["question"]["en"] == "Was it easy?"
    unknown = Visit(rule_set("name: s\nwhen: [on_page: faq]\nthen: [survey]")).opens("https://shop.example/faq")
    assert unknown.silences == [("s", Guard.NO_BASIS)]


def test_mails_and_surveys_share_one_limit() -> None:
    asks = "name: asks\nwhen: [happened: order_delivered]\nthen: [survey]"
    shopper = (
        Visit(rule_set(LEFT, asks, head="limits: {emails: 1 per 1d}")).may_be_mailed().fills_cart().waits(2 * HOUR)
    )
    shopper.does("order_delivered", trusted=True)
    assert shopper.fired == ["left"]
    assert shopper.silences == [("asks", Guard.LIMIT)]


# --- variants ---------------------------------------------------------------------------------------------------------

TWO = """
name: two
when: [on_page: faq]
variants:
  short: {share: 30%, then: [invite: Hi]}
  nothing: {share: 70%, then: [stop]}
"""


def variant_for(name: str, rule: str = TWO) -> str:
    (decision,) = Visit(rule_set(rule), name=name).opens("https://shop.example/faq").decisions
    return decision.variant


def test_variants_keep_their_shares_and_everybody_keeps_theirs() -> None:
    drawn = [variant_for(f"visitor-{number}") for number in range(600)]
    assert 0.24 < drawn.count("short") / len(drawn) < 0.36
    assert drawn == [variant_for(f"visitor-{number}") for number in range(600)]


def test_variants_without_shares_are_equal() -> None:
    equal = TWO.replace("share: 30%, ", "").replace("share: 70%, ", "")
    shares = [variant.share for variant in rule_set(equal).rules[0].variants]
    assert shares == [0.5, 0.5]


def test_whoever_becomes_known_stays_in_their_variant() -> None:
    rule = rule_set(TWO).rules[0]
    for number in range(50):
        visitor = Visit(rule_set(TWO), name=f"visitor-{number}").may_be_mailed()
        assert visitor.person is not None
        visitor.person.lot = visitor.name
        known = visitor.opens("https://shop.example/faq").decisions[0].variant
        assert known == variant_for(visitor.name) == rule.variant_of(visitor.name)


def test_a_run_goes_on_in_its_variant_and_ends_when_that_is_gone() -> None:
    rule = TWO.replace("[invite: Hi]", "[{wait: 1d}, {tag: a}]").replace("[stop]", "[{wait: 1d}, {tag: b}]")
    visit = Visit(rule_set(rule)).opens("https://shop.example/faq")
    (run,) = visit.visitor.runs.values()
    assert run.variant in ("short", "nothing")
    visit.rules = rule_set(rule.replace("short:", "brief:").replace("nothing:", "none_at_all:"))
    assert visit.waits(2 * DAY).endings == [("rule_removed", f"its variant '{run.variant}'")]


@pytest.mark.parametrize(
    "variants",
    [
        "{a: {share: 50%, then: [stop]}}",
        "{a: {share: 50%, then: [stop]}, b: {share: 40%, then: [stop]}}",
        "{a: {share: 50%, then: [stop]}, b: {then: [stop]}}",
        "{a: {share: 50%, then: []}, b: {share: 50%, then: [stop]}}",
        "{a b: {then: [stop]}, c: {then: [stop]}}",
    ],
)
def test_variants_that_do_not_add_up_are_refused(variants: str) -> None:
    with pytest.raises(RuleFileError):
        rule_set(f"name: v\nwhen: [on_page: faq]\nvariants: {variants}")


def test_a_rule_has_steps_or_variants_and_not_both() -> None:
    with pytest.raises(RuleFileError):
        rule_set(with_lines(TWO, "then: [stop]"))


# --- groups and what runs elsewhere -----------------------------------------------------------------------------------

PATIENT = with_lines(named(SEQUENCE, "patient").replace("cart_abandoned: 1h", "cart_abandoned: 2h"), "group: carts")


def test_of_a_group_one_rule_at_a_time_is_on_its_way() -> None:
    shopper = (
        Visit(rule_set(with_lines(SEQUENCE, "group: carts"), PATIENT)).may_be_mailed().fills_cart().waits(3 * HOUR)
    )
    assert shopper.fired == ["sequence"]
    assert shopper.silences == [("patient", Guard.GROUP)]


def test_of_a_group_one_rule_at_a_time_also_over_devices() -> None:
    rules = rule_set(with_lines(SEQUENCE, "group: carts"), PATIENT)
    laptop = Visit(rules, name="laptop").may_be_mailed().fills_cart().waits(90 * MINUTE)
    phone = Visit(rules, name="phone", now=laptop.now).fills_cart(line("PEN"), cart_id="c2")
    phone.person = laptop.person
    phone.waits(3 * HOUR)
    assert phone.fired == []
    assert set(phone.silences) == {("sequence", Guard.ALREADY), ("patient", Guard.GROUP)}


def test_a_group_has_a_limit_of_its_own() -> None:
    grouped = [with_lines(rule, "group: carts") for rule in (LEFT, named(LEFT, "later").replace("1h", "5h"))]
    head = "limits: 100 per 1d\ngroups: {carts: {emails: 1 per 7d}}"
    shopper = Visit(rule_set(*grouped, head=head)).may_be_mailed().fills_cart().waits(6 * HOUR)
    assert shopper.fired == ["left"]
    assert shopper.decisions[-1].detail == "1 per 7 d of the group 'carts', used up by left"


def test_a_group_that_nobody_described_is_a_slip_where_others_are() -> None:
    with pytest.raises(RuleFileError) as refused:
        rule_set(with_lines(LEFT, "group: cart"), head="limits: 9 per 1d\ngroups: {carts: {emails: 1 per 7d}}")
    assert "did you mean 'carts'" in str(refused.value.problems)


def test_a_holdout_over_everything_is_the_same_for_every_rule() -> None:
    rules = rule_set(STUCK, named(STUCK, "other"), head="limits: 100 per 1d\nholdout: 40%")
    held = 0
    for number in range(300):
        reader = Visit(rules, name=f"visitor-{number}").reads(45 * SECOND)
        guards = {guard for _, guard in reader.silences}
        held += guards == {Guard.HOLDOUT}
        assert guards in ({Guard.HOLDOUT}, {Guard.PRIORITY})
    assert 85 < held < 155


# --- the shopper's own night ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "leaves"),
    [
        ({}, NOON + HOUR),
        ({"country": "JP"}, local("Asia/Tokyo", 22, 8)),
        ({"country": "NL"}, NOON + HOUR),
        ({"country": "XX"}, NOON + HOUR),
        ({"country": "US"}, local("Pacific/Honolulu", 21, 8)),
    ],
)
def test_quiet_hours_are_the_shopper_s_own(fields: dict[str, Any], leaves: Millis) -> None:
    shopper = Visit(rule_set(LEFT, head=SHOP + "  quiet_hours: 21:00-08:00\n")).may_be_mailed()
    shopper.does("cart_updated", cart={"id": "c1", "currency": "EUR", "lines": [line()]}, **fields).waits(HOUR)
    (planned,) = shopper.last.planned
    assert planned.due_at == leaves


def test_what_the_browser_told_of_the_clock_goes_before_the_country() -> None:
    shopper = Visit(rule_set(LEFT, head=SHOP + "  quiet_hours: 21:00-08:00\n")).may_be_mailed().fills_cart()
    shopper.visitor.country, shopper.visitor.time_zone = "NL", "Asia/Tokyo"
    (planned,) = shopper.waits(HOUR).last.planned
    assert planned.due_at == local("Asia/Tokyo", 22, 8)
