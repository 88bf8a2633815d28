"""What every action is, and how it becomes a word of the rule language.

An action is one frozen dataclass: ``kind`` is its word, its :func:`~engine.rules.forms.setting` fields are its
settings, its docstring (with an ``Example:``) is its entry in the reference, ``take`` is what it does. The loader, the
messages, the JSON Schema and the documentation follow from the class.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import msgspec

from engine import ids
from engine.clock import DAY, MINUTE, Millis
from engine.decisions import Planned, Result
from engine.people import remember_contact
from engine.rules.facts import Facts
from engine.rules.forms import Form, form_of
from engine.rules.holds import Hold
from engine.said import frame
from engine.visitors import Contact, Run

Translations = dict[str, str]
"""Text by language tag."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(frozen=True)
class Late:
    """What happens to a step that could not run in time: up to ``at_most_ms`` late it still runs; then ``then``."""

    at_most_ms: Millis
    then: str
    """``skip`` or ``send``."""


LATE_ON_PAGE = Late(10 * MINUTE, "skip")
LATE_EMAIL = Late(DAY, "send")


@dataclass(frozen=True)
class Turn:
    """One step of one rule, about to be taken for one visitor; ``result`` is where its outcome goes."""

    facts: Facts
    rule: str
    run: Run
    result: Result
    late: Late | None = None

    @property
    def delivery(self) -> str:
        return f"{self.run.decision}.{self.run.step}"

    def count(self, kind: str) -> None:
        """Put a message on the budget of the person, or of the visitor as long as nobody is known."""
        session = self.facts.visitor.session.number
        contact = Contact(at=self.facts.now, kind=kind, rule=self.rule, session=session, id=self.delivery)
        holder = self.facts.person or self.facts.visitor
        holder.contacts = remember_contact(holder.contacts, contact)

    def plan(
        self, kind: str, body: object, *, due_at: Millis | None = None, expires_at: Millis = 0, on_page: bool = False
    ) -> bytes:
        """Owe a delivery; returns its body. What is about the same thing reaches a person once, a page its visitor."""
        facts = self.facts
        who = facts.person.id if facts.person and not on_page else facts.visitor_id
        encoded = _encode(body)
        self.result.planned.append(
            Planned(
                id=self.delivery,
                decision=self.run.decision,
                rule=self.rule,
                step=self.run.step,
                kind=kind,
                due_at=facts.now if due_at is None else due_at,
                expires_at=expires_at,
                body=encoded,
                once=ids.derived_id("once", facts.shop.id, self.rule, self.run.occasion, str(self.run.step), who),
            )
        )
        return encoded


@dataclass(frozen=True, kw_only=True)
class BaseAction(ABC):
    """Base of all actions."""

    kind: ClassVar[str] = ""
    """Its word in the file, and the kind of its delivery."""
    bare: ClassVar[bool] = False
    """True where the value is the main setting itself and never a group of settings."""
    counts_as: ClassVar[str] = ""
    """Which limits a message counts for; empty for what no shopper notices."""
    usually_late: ClassVar[Late] = LATE_EMAIL

    @property
    def needs_agent(self) -> bool:
        """Whether somebody must be there to answer."""
        return False

    @abstractmethod
    def take(self, turn: Turn) -> None:
        """Do it, or owe it; nothing is sent here."""

    def hold(self, facts: Facts) -> Hold | None:
        """A reason of its own why it cannot be done now."""
        del facts
        return None


@dataclass(frozen=True, kw_only=True)
class Message(BaseAction):
    """Something a shopper gets to see."""


@dataclass(frozen=True, kw_only=True)
class Silent(BaseAction):
    """Something no shopper notices."""


Action = TypeVar("Action", bound=type[BaseAction])

ACTIONS: dict[str, type[BaseAction]] = {}
STEPS: dict[str, tuple[Form[BaseAction], str]] = {}
"""The actions by their word, each with its settings and its sentence in the reference."""


def action(cls: Action) -> Action:
    """Register an action under its word."""
    ACTIONS[cls.kind] = cls
    STEPS[cls.kind] = (form_of(cls, frame("'%(word)s'", word=cls.kind), bare=cls.bare), summary(cls))
    return cls


def summary(cls: type[BaseAction]) -> str:
    """The first paragraph of an action's docstring, on one line."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())
