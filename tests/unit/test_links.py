"""Links in mails: what they allow, for how long, and what no amount of editing makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, Millis
from engine.errors import LinkError, SettingsError
from engine.links import Links, RestoreClaim, UnsubscribeClaim

KEY = "a-secret-of-more-than-thirty-two-letters"
NOW: Millis = 1_795_000_000_000


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self, now: Millis = NOW) -> None:
        self.now = now

    def __call__(self) -> Millis:
        return self.now


def links(clock: Hands | None = None, key: str = KEY) -> Links:
    return Links(key, "https://bell.example/", clock or Hands())


def token(url: str) -> str:
    return url.rsplit("/", 1)[1]


def test_a_restore_link_gives_back_what_was_signed() -> None:
    url = links().restore("main", "cart-1", "dec_1")
    assert url.startswith("https://bell.example/c/")
    assert links().read_restore(token(url)) == RestoreClaim("main", "cart-1", "dec_1")


def test_an_unsubscribe_link_gives_back_what_was_signed() -> None:
    url = links().unsubscribe("main", "per_1", "dec_1")
    assert url.startswith("https://bell.example/u/")
    assert links().read_unsubscribe(token(url)) == UnsubscribeClaim("main", "per_1", "dec_1")
    named = links().unsubscribe("main", "per_1", "dec_1", "a1b2")
    assert links().read_unsubscribe(token(named)) == UnsubscribeClaim("main", "per_1", "dec_1", "a1b2")


def test_a_restore_link_lives_thirty_days() -> None:
    clock = Hands()
    made = token(links(clock).restore("main", "cart-1", "dec_1"))
    clock.now += 30 * DAY
    assert links(clock).read_restore(made).cart_id == "cart-1"
    clock.now += 1000
    with pytest.raises(LinkError) as error:
        links(clock).read_restore(made)
    assert error.value.expired


def test_an_unsubscribe_link_never_expires() -> None:
    clock = Hands()
    made = token(links(clock).unsubscribe("main", "per_1", "dec_1"))
    clock.now += 3650 * DAY
    assert links(clock).read_unsubscribe(made).person_id == "per_1"


def test_a_link_from_a_host_whose_clock_is_ahead_still_works() -> None:
    ahead = links(Hands(NOW + HOUR)).restore("main", "cart-1", "dec_1")
    assert links().read_restore(token(ahead)).cart_id == "cart-1"


def test_a_link_for_one_purpose_opens_nothing_else() -> None:
    with pytest.raises(LinkError) as error:
        links().read_unsubscribe(token(links().restore("main", "cart-1", "dec_1")))
    assert not error.value.expired
    with pytest.raises(LinkError):
        links().read_restore(token(links().unsubscribe("main", "per_1", "dec_1")))


def test_an_old_key_still_reads_while_the_new_one_signs() -> None:
    old = token(links(key="the-old-key").restore("main", "cart-1", "dec_1"))
    both = links(key="the-new-key, the-old-key")
    assert both.read_restore(old).cart_id == "cart-1"
    fresh = token(both.restore("main", "cart-2", "dec_2"))
    assert links(key="the-new-key").read_restore(fresh).cart_id == "cart-2"
    with pytest.raises(LinkError):
        links(key="the-old-key").read_restore(fresh)


@pytest.mark.parametrize("key", ["", ",", "one,"])
def test_an_empty_key_signs_nothing(key: str) -> None:
    with pytest.raises(SettingsError):
        links(key=key)


@given(position=st.integers(min_value=0), letter=st.sampled_from("abcXYZ019-_"))
def test_no_single_letter_of_a_link_can_be_changed(position: int, letter: str) -> None:
    made = token(links().restore("main", "cart-1", "dec_1"))
    index = position % (len(made) - 1)  # the last letter of base64 holds bits that mean nothing
    changed = made[:index] + letter + made[index + 1 :]
    if changed != made:
        with pytest.raises(LinkError):
            links().read_restore(changed)


@given(st.text(max_size=80))
def test_whatever_is_typed_after_the_slash_is_only_ever_a_bad_link(typed: str) -> None:
    with pytest.raises(LinkError):
        links().read_restore(typed)


@pytest.mark.parametrize("typed", ["", ".", "..", "a.b.c", "é.é.é", "\udc80", "A" * 1_000_000])
def test_strange_links_are_refused(typed: str) -> None:
    with pytest.raises(LinkError):
        links().read_unsubscribe(typed)
