"""The mails that came, as the development mailbox shows them, and what their links bring back."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from engine.clock import from_datetime
from simulator.promises import Goods, Mail


def mails_of(url: str) -> tuple[Mail, ...]:
    """Every mail in the development mailbox, newest first."""
    return tuple(_read(told) for told in requests.get(f"{url}/dev/mailbox.json", timeout=60).json())


def _read(told: dict[str, Any]) -> Mail:
    headers = dict(told["headers"])
    restores = re.search(r"https?://\S+/c/\S+", told["text"])
    return Mail(
        to=told["to"].rpartition("<")[2].rstrip(">"),
        subject=told["subject"],
        text=told["text"],
        rule=told["rule"],
        at=from_datetime(parsedate_to_datetime(told["date"])),
        restore_url=restores[0] if restores else "",
        unsubscribe_url=headers.get("List-Unsubscribe", "").strip("<>"),
    )


def brought_back(url: str, mail: Mail) -> Goods | None:
    """What the mail's link brings back, as the shop's page asks for it; None where it leads to no cart any more."""
    token = mail.restore_url.rpartition("/")[2]
    answered = requests.get(f"{url}/v1/carts/{token}", headers={"Origin": url}, timeout=60) if token else None
    if answered is None or not answered.ok:
        return None
    return frozenset((line["sku"], line["quantity"]) for line in answered.json()["cart"]["lines"])
