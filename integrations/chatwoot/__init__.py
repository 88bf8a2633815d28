"""**Who is there.** For each inbox its agents are asked for, its working hours, and how many open conversations nobody
has taken. An agent whose status is `online` is online and free; one who is `busy` is online and not free, because
Chatwoot assigns them nothing; outside the working hours of an inbox nobody is there, as its widget says too. How many
chats an agent takes at once Chatwoot does not tell: each who is free counts for one more chat. `waiting` is the number
of open conversations without an agent, also of those that came by night.

**How often.** Three calls for each inbox, every minute, and never more than 120 a minute whatever goes wrong. Chatwoot
itself lets an address make 3,000 calls a minute unless its host says otherwise (`RACK_ATTACK_LIMIT`); what
app.chatwoot.com allows was not found. After a 429 it is left alone for as long as it asks, otherwise for a minute.

**On the page.** When a shopper accepts an invitation to chat, the script opens Chatwoot's widget and tells it what was
said, as custom attributes of the contact: `shopbell_message`, `shopbell_rule`, `shopbell_text` and `shopbell_page`. The
widget cannot be given words to say, so the shopper writes first. Normally the page has Chatwoot's own script already,
and ours loads nothing. Where the tag names a Chatwoot (see above), the widget is loaded when somebody wants to chat,
and on the pages after that, which Chatwoot's cookie `cw_conversation` tells. Without a widget nothing happens.

**What is not taken.** No webhooks: only the latest Chatwoots sign them (`X-Chatwoot-Signature`, since 2026), and that
the secret shown is the one that signs was still disputed in Chatwoot's own issues. So it is not heard that an agent has
resolved a conversation; a chat is over when its window is closed, or an hour after it began.

**Not verified on a live Chatwoot.** Everything follows its published API and its sources; none of it was tried on an
account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from engine.http import Answered
from engine.integration import Allowed, Call, Desk, Metered, Presence, Settings, Storefront, secret, setting
from integrations.chatwoot.api import Api, status_of, wait_ms
from integrations.chatwoot.hours import is_open

_DEPARTMENT = r"[^=,]{1,64}=\s*[0-9]{1,18}\s*"


class ChatwootSettings(Settings, frozen=True):
    """What a shop tells of its Chatwoot."""

    account: Annotated[str, setting("the account's number, from the address of Chatwoot", pattern="[0-9]{1,18}")]
    inbox: Annotated[str, setting("the number of the website inbox that answers the shop", pattern="[0-9]{1,18}")]
    access_token: Annotated[str, secret("the access token of somebody who may see these inboxes")]
    departments: Annotated[
        str,
        setting(
            "more inboxes, by the departments in the rules: ink=12, paper=14",
            pattern=f"({_DEPARTMENT},)*{_DEPARTMENT}|",
        ),
    ] = ""
    address: Annotated[
        str, setting("where Chatwoot is, without a slash at the end", pattern=r"https://[^\s/?#]+(/[^\s/?#]+)*")
    ] = "https://app.chatwoot.com"


class Chatwoot(Presence[ChatwootSettings], Metered[ChatwootSettings], Storefront[ChatwootSettings]):
    """Chatwoot: who is there to chat, and its widget, opened when a shopper accepts an invitation."""

    title: ClassVar[str] = "Chatwoot"
    settings_type = ChatwootSettings
    allowance: ClassVar[Mapping[int, int]] = {60_000: 120}
    on_pages: ClassVar[Mapping[str, str]] = {
        "an invitation to chat is accepted": "the widget opens, with what was said as custom attributes",
        "the shopper writes in the widget": "`chat_started`, once for each page",
        "the widget is closed after that": "`chat_ended`",
    }

    def __init__(self, settings: ChatwootSettings) -> None:
        super().__init__(settings)
        self._api = Api(settings.address, settings.account, settings.access_token)
        self._inboxes = {"": settings.inbox} | dict(map(_pair, filter(None, settings.departments.split(","))))

    @property
    def account(self) -> str:
        """Calls are counted by the address that is called and the account."""
        return f"{urlsplit(self.settings.address).netloc}/{self.settings.account}"[:80]

    def share(self, what: str) -> float:
        """Nothing else is asked for, so nothing has to wait for it."""
        return 1.0

    def allowed(self, answered: Answered) -> Allowed:
        """Chatwoot tells of its limit only when it is reached."""
        return Allowed(rest_ms=wait_ms(answered)) if answered.status == 429 else Allowed()

    def who_is_there(self, now: int, call: Call) -> tuple[Desk, ...]:
        """The agents of each inbox; nobody outside its working hours. Raises as the part says."""
        return tuple(self._desk(department, number, now, call) for department, number in self._inboxes.items())

    def _desk(self, department: str, number: str, now: int, call: Call) -> Desk:
        waiting = self._api.unassigned(call, number)
        if not is_open(self._api.inbox(call, number), now):
            return Desk(0, 0, waiting, department)
        statuses = [status_of(agent) for agent in self._api.agents(call, number)]
        free = statuses.count("online")
        return Desk(free + statuses.count("busy"), free, waiting, department)


def _pair(said: str) -> tuple[str, str]:
    department, _, number = said.partition("=")
    return department.strip(), number.strip()
