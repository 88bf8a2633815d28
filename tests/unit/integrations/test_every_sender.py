"""Every integration that carries mail, held against the conversations that were recorded for it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUncertain
from engine.integration import MailSender, create
from engine.messages import OutgoingMail
from tests.unit.integrations.cases import MailCase, cases, settings_of, speaking
from tests.unit.integrations.exchange import Exchange

MAIL = OutgoingMail(
    message_id="dec_01jd9",
    sender="Sanne van Inkt <sanne@inkt.example>",
    recipient="anna@mail.example",
    recipient_name="Anna",
    reply_to="sanne@inkt.example",
    subject="Je winkelwagen staat nog klaar",
    html="<p>Hallo Anna</p>",
    text="Hallo Anna\n",
    language="nl",
    unsubscribe_url="https://bell.example/u/token",
    date=1_795_000_000_000,
)
OUTCOMES: dict[str, type[DeliveryError]] = {
    "delayed": DeliveryDelayed,
    "refused": DeliveryRefused,
    "uncertain": DeliveryUncertain,
}
KINDS = {kind: word for word, kind in OUTCOMES.items()}
CASES = cases("send", MailCase)


def sender_to(name: str, port: int) -> MailSender[Any]:
    stated = {key: value.replace("2525", str(port)) for key, value in settings_of(name).items()}
    made = create(name, stated, {})
    assert isinstance(made, MailSender)
    return made


def outcome_of(sender: MailSender[Any]) -> tuple[str, str]:
    """What became of the mail, and what was said about it."""
    try:
        return "sent", sender.send(MAIL, lambda: True)
    except DeliveryError as error:
        return KINDS[type(error)], error.message


@pytest.mark.parametrize("case", CASES)
def test_a_recorded_conversation_becomes_what_it_became(case: str) -> None:
    recorded = CASES[case]
    with Exchange(recorded.exchange) as exchange:
        became, told = outcome_of(sender_to(case.split("/")[0], exchange.port))
    assert exchange.differences == []
    assert became == recorded.becomes
    assert MAIL.recipient not in told
    assert recorded.answer in told


@pytest.mark.parametrize("name", speaking("send"))
def test_each_outcome_was_recorded(name: str) -> None:
    recorded = {case.becomes for key, case in CASES.items() if key.startswith(f"{name}/")}
    assert recorded == {"sent", *OUTCOMES}, "record a conversation for each outcome"
