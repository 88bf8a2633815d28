"""What a simulated platform was asked to send, what it makes of failures, and the ports that are kept."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest

from simulator.life import OPENS_AT, STORIES, live
from simulator.platform import Delivery, side, sides
from simulator.ports import KeptPort
from simulator.subscriptions import Hook, Hooks, forgets_after, never_gives_up, switches_off_after
from simulator.world import World


def fail(hooks: Hooks, hook: Hook, times: int) -> None:
    for _ in range(times):
        hooks.note(hook.number, taken=False)


def test_a_webhook_that_fails_eight_times_in_a_row_is_forgotten() -> None:
    hooks = Hooks(forgets_after(8))
    hook = hooks.make("orders/create", "https://bell.example")
    fail(hooks, hook, 7)
    hooks.note(hook.number, taken=True)
    fail(hooks, hook, 7)
    assert hooks.sends(hook.number)
    fail(hooks, hook, 1)
    assert (hooks.all(), hooks.about("orders/create"), hooks.given_up) == ([], [], 1)


def test_a_webhook_that_is_switched_off_keeps_its_count_until_one_is_taken() -> None:
    hooks = Hooks(switches_off_after(5))
    hook = hooks.make("order.created", "https://bell.example")
    fail(hooks, hook, 5)
    assert hooks.sends(hook.number)
    fail(hooks, hook, 1)
    assert not hooks.sends(hook.number)
    assert [each.active for each in hooks.all()] == [False]
    hooks.change(hook.number, lambda off: replace(off, active=True))
    fail(hooks, hook, 1)
    assert not hooks.sends(hook.number)
    hooks.change(hook.number, lambda off: replace(off, active=True))
    hooks.note(hook.number, taken=True)
    fail(hooks, hook, 5)
    assert (hooks.sends(hook.number), hooks.given_up) == (True, 2)


def test_where_nothing_says_so_no_webhook_is_given_up() -> None:
    hooks = Hooks(never_gives_up)
    hook = hooks.make("quotes/created", "https://bell.example")
    fail(hooks, hook, 1_000)
    assert hooks.sends(hook.number)


@pytest.mark.parametrize("name", sides())
def test_whatever_a_side_sends_it_sends_by_hand_or_by_a_webhook_it_names(name: str) -> None:
    """So that no topic is forgotten when its subscription is checked."""
    world, platform, sent = World(), side(name)(lambda: OPENS_AT), set[str]()
    for happening in live(1, len(STORIES)).happenings:
        world.take(happening)
        sent |= {delivery.topic for delivery in platform.deliveries(happening, world)}
    assert sent >= platform.registered
    assert not platform.registered or len(sent - platform.registered) <= 1


def test_shopify_sends_the_fields_it_was_asked_for_rightly_signed_and_only_what_the_filter_finds() -> None:
    world, shopify = World(), side("shopify")(lambda: OPENS_AT)
    happenings = live(1, len(STORIES)).happenings
    told: dict[str, Delivery] = {}
    for happening in happenings:
        world.take(happening)
        told |= {delivery.topic: delivery for delivery in shopify.deliveries(happening, world)}
    order, brought = told["orders/create"], told["fulfillment_events/create"]
    sent = shopify.sent_by(Hook(1, "orders/create", "", frozenset(["id", "email"])), order)
    assert sent is not None
    assert set(json.loads(sent.body)) == {"id", "email"}
    assert sent.headers["X-Shopify-Hmac-Sha256"] != order.headers["X-Shopify-Hmac-Sha256"]
    wanted = Hook(2, "fulfillment_events/create", "", frozenset(["id"]), "status:failure OR status:delivered")
    assert shopify.sent_by(wanted, brought) is not None
    assert shopify.sent_by(replace(wanted, only="status:failure"), brought) is None


def test_a_kept_port_is_the_servers_alone() -> None:
    kept = KeptPort()
    only_on_linux = pytest.raises(OSError, match="in use") if sys.platform == "linux" else nullcontext()
    with socket.socket() as stranger, only_on_linux:
        stranger.bind(("127.0.0.1", kept.number))
    for _ in range(2):  # it goes down, and comes up again
        with socket.create_server(("127.0.0.1", kept.number)), socket.create_connection(("127.0.0.1", kept.number)):
            pass
    kept.give_up()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", kept.number))
