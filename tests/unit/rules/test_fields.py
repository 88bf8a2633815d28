from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND, from_datetime, to_iso
from engine.errors import RuleFileError
from engine.rules.fields import Fault, Flag, Kind, OneOrMore, Reading, Slug, Text, Texts
from engine.rules.numbers import Duration, Money, Share
from engine.rules.shop import DailyHours, Limit
from engine.rules.shop_fields import Limited, Moment, OfficeHours, Origin, QuietHours, Url, UrlPattern
from engine.rules.source import Mapping, Source, parse
from tests.unit.rules.shoppers import load_text, one_rule

T = TypeVar("T")


def read(kind: Kind[T], text: str, *, currency: str = "EUR", languages: tuple[str, ...] = ("nl", "en")) -> T:
    reading = Reading(Source(""), currency=currency, languages=languages, time_zone="Europe/Amsterdam")
    document = parse(Source(f"value: {text}\n"))
    assert isinstance(document, Mapping)
    node = document.get("value")
    assert node is not None
    return kind.read(node, reading)


def refusal(kind: Kind[T], text: str, *, currency: str = "EUR") -> str:
    with pytest.raises(Fault) as fault:
        read(kind, text, currency=currency)
    return fault.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45s", 45 * SECOND),
        ("10m", 10 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("3d", 3 * DAY),
        ("2w", 14 * DAY),
        ("45 seconds", 45 * SECOND),
        ("1 hour, 30 minutes", 90 * MINUTE),
        ("1H", HOUR),
        ("'90 min'", 90 * MINUTE),
    ],
)
def test_a_duration_is_read(text: str, expected: int) -> None:
    assert read(Duration(), text) == expected


@pytest.mark.parametrize("text", ["45", "1:30", "'1:30:00'", "1.5", "1,000"])
def test_a_duration_needs_a_unit(text: str) -> None:
    assert "durations need a unit: 45s, 10m, 1h30m, 3d" in refusal(Duration(), text)


@pytest.mark.parametrize("text", ["soon", "-5m", "5mm", "m5", "0s", "1.5h", "999999999w", "[45s]", "{s: 45}", "''"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert refusal(Duration(), text)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("3.00", "EUR", 300),
        ("3", "EUR", 300),
        ("€ 3.50", "EUR", 350),
        ("3.50 EUR", "EUR", 350),
        ("0", "EUR", 0),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
        ("1.234", "KWD", 1234),
    ],
)
def test_an_amount_is_in_the_shops_currency(text: str, currency: str, minor: int) -> None:
    assert read(Money(), text, currency=currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("3,50", "EUR"), ("-3", "EUR"), ("3.505", "EUR"), ("1e3", "EUR"), (".5", "EUR"), ("3 USD", "EUR"), ("5.5", "JPY")],
)
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    assert refusal(Money(), text, currency=currency)


def test_a_share_needs_its_percent_sign() -> None:
    assert read(Share(), "8%") == 0.08
    assert read(Share(), "2.5 %") == 0.025
    assert refusal(Share(), "0.08") == "a share needs its percent sign: 8%"
    assert refusal(Share(), "100") == "a share needs its percent sign: 100%"
    assert refusal(Share(), "101%")


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("yes", True), ("No", False), ("off", False)])
def test_yes_and_no_are_read_where_they_are_asked_for(text: str, expected: bool) -> None:
    assert read(Flag(), text) is expected


def test_norway_stays_norway() -> None:
    assert read(OneOrMore(Text()), "[NO, BE]") == ("NO", "BE")


def test_a_name_that_cannot_stand_in_an_address_is_offered_one_that_can() -> None:
    assert read(Slug(), "stuck-in-faq-2") == "stuck-in-faq-2"
    assert refusal(Slug(), "Één vraag!").endswith("write een-vraag")


def test_a_control_character_is_refused_however_it_was_written() -> None:
    assert "control character" in refusal(Text(), r'"Hoi\u0007"')
    assert "one line" in refusal(Text(), r'"Hoi\nBcc: all@shopper.example"')


def test_a_text_has_every_language_of_the_shop() -> None:
    assert read(Texts(), '{nl: "Hoi", en: "Hi"}') == {"nl": "Hoi", "en": "Hi"}
    assert read(Texts(), '"Hoi"') == {"nl": "Hoi", "en": "Hoi"}
    assert read(Texts(), '{nl: "Hoi"}') == {"nl": "Hoi", "en": "Hoi"}


def test_opening_hours_are_by_weekday() -> None:
    hours = read(OfficeHours(), "mon-fri 09:00-12:00, mon-fri 13:00-17:30, sat-sun 10:00-24:00")
    assert hours.days[0] == hours.days[4] == (DailyHours(540, 720), DailyHours(780, 1050))
    assert hours.days[5] == hours.days[6] == (DailyHours(600, 1440),)


def test_a_week_may_run_over_its_end_and_a_day_may_be_written_in_full() -> None:
    hours = read(OfficeHours(), "Saturday-Mon 10:00-16:00")
    assert [bool(day) for day in hours.days] == [True, False, False, False, False, True, True]
    assert all(read(OfficeHours(), "daily 9:00-17:00").days)


def test_quiet_hours_may_run_over_midnight() -> None:
    assert read(QuietHours(), "21:00-08:00") == DailyHours(1260, 480)
    assert refusal(QuietHours(), "08:00-08:00")
    assert refusal(QuietHours(), "8-21")


def test_limits_hold_together() -> None:
    assert read(Limited(), "1 per session, 3 per 7d") == (Limit(1, None), Limit(3, 7 * DAY))
    assert read(Limited(), "[2 per day, 1 per hour]") == (Limit(2, DAY), Limit(1, HOUR))


def test_a_day_is_meant_on_the_shops_clock_and_counts_to_its_end() -> None:
    assert to_iso(read(Moment(), "2026-12-01")) == "2026-11-30T23:00:00.000Z"
    assert to_iso(read(Moment(end=True), "2026-12-01")) == "2026-12-01T23:00:00.000Z"
    assert to_iso(read(Moment(end=True), "2026-12-01 09:00")) == "2026-12-01T08:00:00.000Z"


def test_the_day_on_which_clocks_change_still_ends_at_midnight() -> None:
    assert to_iso(read(Moment(end=True), "2026-10-25")) == "2026-10-25T23:00:00.000Z"
    assert to_iso(read(Moment(), "2026-10-25")) == "2026-10-24T22:00:00.000Z"


@pytest.mark.parametrize(
    "text", ['"javascript:alert(1)"', "//evil.example", r"/\evil.example", "/a b", '"data:text/html,x"']
)
def test_a_link_leads_to_the_web_or_into_the_shop(text: str) -> None:
    assert read(Url(path=True), "/contact") == "/contact"
    assert read(Url(path=True), "https://shop.example/contact") == "https://shop.example/contact"
    assert refusal(Url(path=True), text)


@pytest.mark.parametrize(
    "text", ["https://user:pw@shop.example", "https://", "ftp://shop.example", "https://a:b:c", "shop.example"]
)
def test_a_web_address_is_complete_and_without_a_password(text: str) -> None:
    assert refusal(Url(), text)


def test_an_origin_has_no_path() -> None:
    assert read(Origin(), "https://Shop.example/") == "https://shop.example"
    assert read(Origin(), "http://127.0.0.1:8080") == "http://127.0.0.1:8080"
    assert refusal(Origin(), "https://shop.example/nl")


def test_a_pattern_is_a_path() -> None:
    assert read(UrlPattern(), "/help/*") == "/help/*"
    assert refusal(UrlPattern(), "help")
    assert refusal(UrlPattern(), "/" + "*a" * 9)


# --- in a whole file --------------------------------------------------------------------------------------------------

HELP = "when: [on_page: faq]\nthen: [email: cart-reminder]\n"


def test_what_a_rule_says_of_itself() -> None:
    rule = one_rule(
        HELP
        + """\
about: For people.
once_per: 7d
holdout: 10%
priority: -3
limits: {emails: 1 per 7d, messages: 2 per session}
late: {at_most: 30m, then: skip}
active: {from: 2026-12-01, until: 2026-12-24}
until: [ordered, unsubscribed]
off: true
shadow: yes
"""
    )
    assert (rule.about, rule.once_per, rule.holdout, rule.priority) == ("For people.", str(7 * DAY), 0.1, -3)
    assert rule.limits.emails == (Limit(1, 7 * DAY),)
    assert rule.limits.messages == (Limit(2, None),)
    assert rule.late is not None
    assert (rule.late.at_most_ms, rule.late.then) == (30 * MINUTE, "skip")
    assert rule.active_from is not None
    assert rule.active_until is not None
    assert rule.active_until - rule.active_from == 24 * DAY
    assert rule.until == ("ordered", "unsubscribed")
    assert rule.off
    assert rule.shadow


def test_what_a_shop_says_of_itself() -> None:
    shop = load_text(
        """\
shop:
  free_shipping_from: 5000
  currency: JPY
  languages: nl
  id: second
  origins: [https://a.example, https://b.example, sandboxed]
  addresses_from_browser: never
integrations:
  smtp: {url: env:SMTP_URL, from: "Winkel <hallo@winkel.example>"}
  shopify: {shop: winkel.example}
limits: 3 per day
rules: []
"""
    ).shop
    assert (shop.id, shop.currency, shop.free_shipping_from, shop.languages) == ("second", "JPY", 5000, ("nl",))
    assert shop.origins == ("https://a.example", "https://b.example", "null")
    assert shop.addresses_from_browser == "never"
    assert [entry.name for entry in shop.integrations] == ["smtp", "shopify"]
    assert shop.integrations[0].settings["url"] == "env:SMTP_URL"
    assert shop.limits.messages == (Limit(3, DAY),)


def test_amounts_follow_the_shops_currency_wherever_it_stands() -> None:
    rules = "rules:\n  - name: a\n    when: [unexpected_shipping: 1.50]\n    then: [email: cart-reminder]\n"
    assert load_text(rules + "shop: {currency: EUR}\n").rules
    with pytest.raises(RuleFileError) as refused:
        load_text(rules + "shop: {currency: JPY}\n")
    assert "JPY has 0 decimals" in refused.value.problems[0]


def test_a_moment_in_summer_knows_it_is_summer() -> None:
    assert read(Moment(), "2026-07-01 09:00") == from_datetime(datetime(2026, 7, 1, 7, 0, tzinfo=UTC))
