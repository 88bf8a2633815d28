"""The settings of the app's web pixel: given once, kept right, and no webhook is kept away by them."""

from __future__ import annotations

import json

import pytest

from engine.connect import Became, Step, connect
from engine.errors import CallError
from engine.http import Answered
from integrations.shopify.pixel import TOPIC
from tests.unit.integrations.shopify_far import Json, Shopify2026, answered, refused, shop
from tests.unit.integrations.test_shopify_hooks import DONE, HERE, OURS, hook, there

WHOLE = {"server": "https://bell.example", "key": "pk_main"}
NONE_HERE = Answered(200, b'{"data": null, "errors": [{"message": "No web pixel was found for this app."}]}')


def standing(settings: object) -> Answered:
    return answered({"webPixel": {"id": "gid://shopify/WebPixel/1", "settings": settings}})


def connected(*answers: Answered) -> tuple[Step, list[Json]]:
    """What became of the pixel, beside webhooks that all stand; and what was asked after they were."""
    far = Shopify2026(there(*map(hook, OURS)), *answers)
    *others, last = connect(shop(pixel_key="pk_main"), HERE, far)
    assert {step.became for step in others} == {Became.STANDS}
    return last, far.asked[1:]


@pytest.mark.parametrize("none", [NONE_HERE, answered({"webPixel": None})])
def test_a_pixel_without_settings_gets_them(none: Answered) -> None:
    step, (_, asked) = connected(none, DONE)
    assert step == Step(TOPIC, Became.MADE)
    [(name, told)] = asked.items()
    assert (name, json.loads(dict(told)["settings"])) == ("pixel", WHOLE)  # type: ignore[call-overload]  # any JSON


@pytest.mark.parametrize("settings", [WHOLE, json.dumps(WHOLE), json.dumps(dict(reversed(WHOLE.items())), indent=1)])
def test_a_pixel_that_stands_is_left_alone_however_its_settings_are_written(settings: object) -> None:
    step, asked = connected(standing(settings))
    assert (step.became, asked) == (Became.STANDS, [{}])


@pytest.mark.parametrize(
    "settings", [WHOLE | {"key": "pk_old"}, WHOLE | {"server": "https://old.example"}, "", "[1]", "no json", None, {}]
)
def test_a_pixel_that_differs_is_mended_and_never_made_twice(settings: object) -> None:
    step, (_, asked) = connected(standing(settings), DONE)
    assert step == Step(TOPIC, Became.MENDED, "other fields")
    assert asked["id"] == "gid://shopify/WebPixel/1"
    assert json.loads(dict(asked["pixel"])["settings"]) == WHOLE  # type: ignore[call-overload]  # any JSON


def test_an_app_without_the_scopes_is_told_which_and_keeps_its_webhooks() -> None:
    step, _ = connected(refused("ACCESS_DENIED"))
    assert step.became is Became.REFUSED
    assert step.detail == "the app needs the scopes write_pixels and read_customer_events for it"


def test_what_shopify_says_of_the_settings_is_told() -> None:
    taken = answered({"done": {"userErrors": [{"message": "No extension found."}]}})
    assert connected(NONE_HERE, taken)[0] == Step(TOPIC, Became.REFUSED, "No extension found.")


def test_no_answer_is_no_refusal() -> None:
    with pytest.raises(CallError, match="502"):
        connected(Answered(502, b""))


def test_only_to_look_changes_nothing() -> None:
    far = Shopify2026(there(*map(hook, OURS)), NONE_HERE)
    assert connect(shop(pixel_key="pk_main"), HERE, far, change=False)[-1] == Step(TOPIC, Became.MADE)
    assert far.asked == [{"after": None}, {}]


def test_without_a_key_nobody_asks_for_the_pixel() -> None:
    far = Shopify2026(there(*map(hook, OURS)))
    assert {step.topic for step in connect(shop(), HERE, far)} == {*OURS}
    assert len(far.asked) == 1
