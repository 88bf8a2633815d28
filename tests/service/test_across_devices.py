"""What belongs to the person follows them over their devices once these are linked; so does their budget."""

from __future__ import annotations

import pytest

from engine.clock import HOUR, MINUTE, SECOND
from engine.decisions import Guard
from engine.store.unit import DECISIONS, DELIVERIES, OUTCOMES, VISITORS
from tests.builders import ADDRESS, KB, LEFT, STUCK, Premises, at_once, named, rule_set, with_lines

FAQ = {"url": "https://shop.example/faq"}
ANYBODY = "name: {name}\nwhen: [on_page: faq, {clause}]\nthen: [tag: spoke]\nonce_per: page"


def asking(premises: Premises, *clauses: str) -> None:
    """Rules ``ask-0``, ``ask-1`` … that fire on the FAQ for those for whom the clause holds."""
    premises.use(rule_set(*(ANYBODY.format(name=f"ask-{n}", clause=clause) for n, clause in enumerate(clauses))))


def answers(premises: Premises, visitor: str) -> list[str]:
    """Which of them hold for this visitor now."""
    before = len(premises.rows(DECISIONS, visitor=visitor, outcome="fired"))
    premises.later(SECOND).post("page_viewed", visitor, page={"url": f"https://shop.example/faq?{premises.hands.now}"})
    rows = sorted(premises.rows(DECISIONS, visitor=visitor, outcome="fired"), key=lambda row: (row.at, row.rule))
    return [row.rule for row in rows[before:]]


FACTS = [
    ("loyalty: {tier: gold}", {"loyalty": {"member": True, "tier": "gold"}}),
    ("attribute: {name: plan, is: pro}", {"attributes": {"plan": "pro"}}),
    ("tag: b2b", {"tags": ["b2b"]}),
]


@pytest.mark.parametrize(("clause", "told"), FACTS, ids=[clause for clause, _ in FACTS])
def test_what_one_device_told_is_known_on_the_other_once_they_are_linked(
    premises: Premises, clause: str, told: dict[str, object]
) -> None:
    asking(premises, clause)
    premises.post("page_viewed", "phone", page=FAQ, **told)  # type: ignore[arg-type] # the fields of the event
    premises.gives_address("phone")
    assert answers(premises, "laptop") == [], "nobody knows yet whose laptop it is"
    premises.gives_address("laptop")
    assert answers(premises, "laptop") == ["ask-0"]


@pytest.mark.parametrize(("clause", "told"), FACTS, ids=[clause for clause, _ in FACTS])
def test_what_is_told_after_the_devices_were_linked_is_known_on_all_of_them(
    premises: Premises, clause: str, told: dict[str, object]
) -> None:
    asking(premises, clause)
    for device in ("phone", "laptop", "tablet"):
        premises.gives_address(device)
    premises.post("page_viewed", "phone", page=FAQ, **told)  # type: ignore[arg-type] # the fields of the event
    assert [answers(premises, device) for device in ("laptop", "tablet")] == [["ask-0"], ["ask-0"]]


def test_what_two_devices_told_before_they_were_linked_is_known_together(premises: Premises) -> None:
    asking(premises, "tag: [b2b]", "tag: [vip]", "attribute: {name: plan, is: pro}")
    premises.post("page_viewed", "phone", page=FAQ, tags=["b2b"])
    premises.post("page_viewed", "laptop", page=FAQ, tags=["vip"], attributes={"plan": "pro"})
    premises.gives_address("phone")
    premises.gives_address("laptop")
    for device in ("phone", "laptop"):
        assert answers(premises, device) == ["ask-0", "ask-1", "ask-2"]


def test_a_segment_that_the_server_told_by_address_is_known_in_the_browser(premises: Premises) -> None:
    asking(premises, "segment: big-spenders")
    premises.gives_address("laptop")
    assert answers(premises, "laptop") == []
    premises.hear("identified", email="ANNA@shopper.example", segments=["big-spenders"])
    assert answers(premises, "laptop") == ["ask-0"]


def test_a_tag_that_a_rule_gives_or_takes_on_one_device_holds_on_the_other(premises: Premises) -> None:
    gives = "name: gives\nwhen: [happened: help_asked]\nthen: [tag: asked]"
    takes = "name: takes\nwhen: [happened: help_given]\nthen: [tag: {remove: asked}]"
    premises.use(rule_set(gives, takes, ANYBODY.format(name="ask", clause="tag: asked")))
    for device in ("phone", "laptop"):
        premises.gives_address(device)
    premises.post("help_asked", "phone")
    assert answers(premises, "laptop") == ["ask"]
    premises.post("help_given", "laptop")
    assert answers(premises, "phone") == []
    assert answers(premises, "laptop") == []


def test_an_answer_to_a_survey_on_one_device_is_known_on_the_other(premises: Premises) -> None:
    asking(
        premises,
        "happened: survey_answered",
        'happened: {event: survey_answered, where: {answer: "<= 2"}}',
        "not_happened: {event: survey_answered, since: order_delivered}",
    )
    premises.hear("order_delivered", email="anna@shopper.example", order={"id": "o1", "email": "anna@shopper.example"})
    for device in ("phone", "laptop"):
        premises.gives_address(device)
    premises.hear("order_delivered", "laptop", order={"id": "o1"})
    assert answers(premises, "phone") == ["ask-2"]
    premises.later(MINUTE).hear("survey_answered", "phone", answer=1, message="dec_1.0")
    assert answers(premises, "laptop") == ["ask-0", "ask-1"]


def test_a_chat_on_the_phone_is_a_chat_that_the_laptop_knows_of(premises: Premises) -> None:
    asking(premises, "chatted: {within: 14d}")
    for device in ("phone", "laptop"):
        premises.gives_address(device)
    premises.post("chat_started", "phone")
    assert answers(premises, "laptop") == ["ask-0"]


def test_a_no_on_the_phone_holds_on_the_laptop(premises: Premises) -> None:
    premises.use(rule_set(STUCK, named(STUCK, "other"), ANYBODY.format(name="ask", clause="dismissed")))
    for device in ("phone", "laptop"):
        premises.gives_address(device)
    invite(premises, "phone")
    (offer,) = premises.visitor("phone").state.offers
    premises.post("message_dismissed", "phone", message=offer.id)
    assert answers(premises, "laptop") == ["ask"]
    invite(premises, "laptop")
    held = premises.rows(DECISIONS, visitor="laptop", outcome="held")
    assert {row.guard for row in held} == {Guard.DISMISSED}


def test_what_the_shop_s_server_said_is_not_changed_by_a_browser_that_typed_an_address(premises: Premises) -> None:
    """Anybody may type anybody's address; what they say of themselves stays theirs."""
    asking(premises, "loyalty: {tier: gold}", "attribute: {name: plan, is: pro}", "attribute: {name: hat, is: red}")
    premises.hear(
        "identified", "laptop", email="anna@shopper.example", loyalty={"tier": "gold"}, attributes={"plan": "pro"}
    )
    premises.gives_address("stranger", trusted=False)
    premises.post(
        "page_viewed", "stranger", page=FAQ, loyalty={"tier": "none"}, attributes={"plan": "free", "hat": "red"}
    )
    assert answers(premises, "laptop") == ["ask-0", "ask-1", "ask-2"]
    premises.post("page_viewed", "laptop", page=FAQ, attributes={"plan": "free"})
    assert answers(premises, "laptop") == ["ask-0", "ask-2"], "a device that the server vouched for may"


def test_who_sits_down_at_somebody_else_s_browser_brings_their_own(premises: Premises) -> None:
    asking(premises, "tag: annas", "tag: bens", "chatted")
    premises.gives_address("laptop", "anna@shopper.example")
    premises.post("chat_started", "laptop", tags=["annas"])
    premises.post("chat_ended", "laptop")
    premises.gives_address("phone", "ben@shopper.example")
    premises.post("page_viewed", "phone", page=FAQ, tags=["bens"])
    premises.gives_address("laptop", "ben@shopper.example")
    assert answers(premises, "laptop") == ["ask-1"]
    assert answers(premises, "phone") == ["ask-1"]
    premises.gives_address("tablet", "anna@shopper.example")
    assert answers(premises, "tablet") == ["ask-0", "ask-2"], "what was Anna's stays Anna's"


# --- one budget -------------------------------------------------------------------------------------------------------

NUDGE = "name: hint\nwhen: [on_page: product]\nthen: [nudge: Look]"
PRODUCT = {"url": "https://shop.example/product/1", "type": "product"}


def invite(premises: Premises, device: str) -> int:
    """They read long enough; returns how many messages the page was given."""
    premises.post("page_viewed", device, page={"url": KB})
    return len(premises.later(45 * SECOND).post("checked_in", device, engaged_ms=45_000).messages)


def nudge(premises: Premises, device: str) -> int:
    return len(premises.post("page_viewed", device, page=PRODUCT).messages)


def linked(premises: Premises, limits: str) -> None:
    rules = (with_lines(STUCK, "once_per: page"), with_lines(NUDGE, "once_per: page"), LEFT)
    kinds = ("invitations", "nudges", "emails")
    others = ", ".join(f"{kind}: 9 per 1d" for kind in kinds if not limits.startswith(kind))
    premises.use(rule_set(*rules, head=f"limits: {{{others}, {limits}}}"))
    for device in ("phone", "laptop"):
        premises.gives_address(device)


def why_held(premises: Premises, device: str) -> set[tuple[str | None, str]]:
    return {(row.guard, row.detail) for row in premises.rows(DECISIONS, visitor=device, outcome="held")}


def test_invitations_on_two_devices_are_one_budget(premises: Premises) -> None:
    linked(premises, "invitations: 1 per 1d")
    assert [invite(premises, "phone"), invite(premises, "laptop")] == [1, 0]
    assert why_held(premises, "laptop") == {(Guard.LIMIT, "1 per 1 d for the shop, used up by stuck")}


def test_nudges_on_two_devices_are_one_budget(premises: Premises) -> None:
    linked(premises, "nudges: 1 per 1d")
    assert [nudge(premises, "phone"), nudge(premises, "laptop")] == [1, 0]
    assert why_held(premises, "laptop") == {(Guard.LIMIT, "1 per 1 d for the shop, used up by hint")}


def test_mails_about_carts_on_two_devices_are_one_budget(premises: Premises) -> None:
    linked(premises, "emails: 1 per 1d")
    for number, device in enumerate(("phone", "laptop")):
        premises.later(MINUTE).fills_cart(device, f"c{number}")
    premises.later(2 * HOUR).look_at("phone")
    premises.later(MINUTE).look_at("laptop")
    assert len(premises.mails()) == 1
    assert why_held(premises, "laptop") == {(Guard.LIMIT, "1 per 1 d for the shop, used up by left")}


def test_chat_nudges_and_mail_share_the_budget_over_messages(premises: Premises) -> None:
    linked(premises, "messages: 2 per 1d")
    assert nudge(premises, "phone") == 1
    premises.post("message_shown", "phone", message=premises.visitor("phone").state.offers[0].id)
    assert invite(premises, "laptop") == 1
    premises.fills_cart("phone")
    premises.later(2 * HOUR).look_at("phone")
    assert premises.mails() == []
    assert (Guard.LIMIT, "2 per 1 d for the shop, of any kind, used up by stuck, hint") in why_held(premises, "phone")


def test_what_two_devices_had_before_they_were_linked_counts_together(premises: Premises) -> None:
    premises.use(rule_set(with_lines(STUCK, "once_per: page"), head="limits: {invitations: 2 per 1d}"))
    assert [invite(premises, device) for device in ("phone", "laptop")] == [1, 1]
    for device in ("phone", "laptop"):
        premises.gives_address(device)
    premises.gives_address("tablet")
    assert invite(premises, "tablet") == 0


def test_two_devices_in_the_same_moment_in_two_processes_are_one_budget(premises: Premises, other: Premises) -> None:
    linked(premises, "invitations: 1 per 1d")
    other.use(premises.shop.rules)
    for device in ("phone", "laptop"):
        premises.post("page_viewed", device, page={"url": KB})
    premises.later(45 * SECOND)
    given = at_once(
        lambda: premises.post("checked_in", "phone", engaged_ms=45_000).messages,
        lambda: other.post("checked_in", "laptop", engaged_ms=45_000).messages,
    )
    assert sorted(map(len, given)) == [0, 1]


# --- a mail's link ----------------------------------------------------------------------------------------------------


def test_a_link_followed_on_the_phone_is_a_click_of_the_person_who_was_mailed(premises: Premises) -> None:
    follow_up = """
    name: follow-up
    when: [emailed: left, clicked: left]
    then: [tag: came-back]
    """
    premises.use(rule_set(LEFT, follow_up))
    premises.gives_address("laptop")
    premises.fills_cart("laptop")
    premises.later(2 * HOUR).look_at("laptop")
    (mail,) = premises.rows(DELIVERIES, kind="email")
    premises.later(MINUTE).post("email_clicked", "phone", message=mail.id)
    assert premises.visitor("laptop").state.tags == ["came-back"]
    assert [(row.delivery, row.kind) for row in premises.rows(OUTCOMES)] == [(mail.id, "clicked")]
    assert premises.visitor("phone").person is None, "a link does not make the phone Anna's: she may have passed it on"


def test_a_click_on_a_message_of_nobody_is_nobody_s(premises: Premises) -> None:
    premises.post("email_clicked", "phone", message="dec_made_up.0")
    assert [reply.what for reply in premises.visitor("phone").state.replies] == ["clicked"]


# --- mailed by somebody else ------------------------------------------------------------------------------------------


def test_a_mail_of_others_holds_for_the_person_by_whatever_name_they_know_the_cart(premises: Premises) -> None:
    premises.use(rule_set(LEFT))
    for device, cart in (("phone", "ours"), ("platform", "theirs")):
        premises.gives_address(device)
        premises.fills_cart(device, cart)
    premises.later(MINUTE).hear("reminder_sent", "platform")
    premises.later(2 * HOUR).look_at("phone", "platform")
    assert premises.decided("held") == [("phone", "left"), ("platform", "left")]
    assert premises.mails() == []
    premises.fills_cart("phone", "another")
    premises.later(2 * HOUR).look_at("phone")
    assert [visitor for visitor, _, _ in premises.mails()] == ["phone"]


def test_a_consent_that_is_told_later_and_elsewhere_has_the_cart_looked_at_again(premises: Premises) -> None:
    """Without permission nothing was to be waited for, so no timer was set."""
    premises.use(rule_set("name: left\nwhen: [cart_abandoned: 1h, can_email]\nthen: [email: cart-reminder]"))
    premises.hear("contact_given", "v1", email=ADDRESS)
    premises.fills_cart("v1")
    premises.look_at("v1")
    assert [row.due_at for row in premises.rows(VISITORS, id="v1")] == [None]
    consent = {"email": True, "source": "newsletter"}
    premises.later(MINUTE).hear("consent_changed", email=ADDRESS, consent=consent)
    assert [row.due_at for row in premises.rows(VISITORS, id="v1")] == [premises.hands.now]
