"""The parts an integration may play, with what a reader should know of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.clock import describe
from engine.integration.ask import Asker
from engine.integration.base import MailSender
from engine.integration.found import AnyIntegration
from engine.integration.look import BuyerLooker, Looker, OrderLooker
from engine.integration.presence import Presence
from engine.integration.receive import Receiver
from engine.integration.restore import Restorer
from engine.integration.storefront import FirstParty, Storefront
from engine.integration.subscribe import Subscriber


@dataclass(frozen=True)
class Part:
    """One thing that an integration can do. ``more`` is what its page tells beyond one sentence, if anything."""

    word: str
    kind: type[AnyIntegration]
    says: str
    more: Callable[[type[AnyIntegration]], str] = lambda _: ""


def _topics(kind: type[AnyIntegration]) -> str:
    assert issubclass(kind, Receiver)
    rows = [f"| `{topic}` | {becomes} |" for topic, becomes in kind.topics.items()]
    table = "\n".join(("| topic | becomes |", "|---|---|", *rows))
    return f"## Topics\n\nWhatever else it sends is acknowledged and counted.\n\n{table}"


def _polls(kind: type[AnyIntegration]) -> str:
    assert issubclass(kind, Asker)
    rows = [f"| `{name}` | {describe(pause)} |" for name, pause in kind.polls.items()]
    return "\n".join(("## Polls", "", "| what | every |", "|---|---|", *rows))


def _roll_call(kind: type[AnyIntegration]) -> str:
    assert issubclass(kind, Presence)
    return f"""## Who is there

It is asked every {describe(kind.asked_every)}, and each answer is told to the rules as `agents_changed`. An answer
holds for {describe(kind.good_for)}: when no other follows until then, who is there counts as not known, a rule that
asks for agents stays silent, and no invitation to chat goes out."""


def _renewals(kind: type[AnyIntegration]) -> str:
    assert issubclass(kind, Subscriber)
    pause = describe(kind.renewed_every)
    return f"""## Registering

`shopbell connect` registers what is missing with the platform, mends what differs and removes what is left over of its
own, and the clock does the same every {pause}. It needs a `PUBLIC_URL` that begins with `https://`."""


def _on_pages(kind: type[AnyIntegration]) -> str:
    assert issubclass(kind, Storefront)
    rows = [f"| {happens} | {becomes} |" for happens, becomes in kind.on_pages.items()]
    return "\n".join(("## On the shop's pages", "", "| on the page | becomes |", "|---|---|", *rows))


PARTS = (
    Part("send", MailSender, "carries mail"),
    Part("poll", Asker, "asks the platform for what a webhook missed", _polls),
    Part("look", Looker, "says whether a cart was ordered, just before a mail about it leaves"),
    Part(
        "look for", BuyerLooker, "says whether somebody has ordered since, just before a mail about their cart leaves"
    ),
    Part(
        "look at orders", OrderLooker, "says whether an order was paid or cancelled, just before a mail asks to pay it"
    ),
    Part("presence", Presence, "tells who is there to chat", _roll_call),
    Part("connect", Subscriber, "registers its webhooks, and again when the platform has dropped them", _renewals),
    Part("restore", Restorer, "knows where the platform itself brings a left cart back"),
    Part("receive", Receiver, "takes webhooks, at `POST /hooks/<name>/<shop>`", _topics),
    Part("browser", Storefront, "brings a script for the shop's pages, `/adapters/<name>.js`", _on_pages),
    Part("proxy", FirstParty, "takes what pages send to the shop's own address, at `/proxy/<name>/<shop>`"),
)


def parts_of(kind: type[AnyIntegration]) -> tuple[Part, ...]:
    """What this integration does."""
    return tuple(part for part in PARTS if issubclass(kind, part.kind))
