"""How soon everything goes on after a death: every wait that is configured, and the sums that are promised.

What a death holds up goes on after some waits, one after another, and after the work itself (a process starts, a
statement runs, a relay answers). The waits are the same on every machine and stand here, once; the rooms take theirs
from here. The work depends on the machine: each sum must leave room for it. ``tests/unit/test_recovery.py`` holds the
sums to the promises, ``tests/service/test_recovery.py`` the rooms to the waits, and ``benchmarks/recovery.py`` measures
the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.clock import SECOND, Millis

# --- what somebody holds, and for how long when they fall silent ------------------------------------------------------

DELIVERY_LEASE: Final[Millis] = 10 * SECOND
"""A worker keeps what it brings; a relay may take its time, so the living renew it."""
VISITOR_LEASE: Final[Millis] = 8 * SECOND
"""From a hint to the look itself, which takes milliseconds: a lost hint is given again after this."""
ERRAND_LEASE: Final[Millis] = 10 * SECOND
"""A clock keeps the question it asks a platform; the living renew it."""
RENEW_EVERY: Final[Millis] = 3 * SECOND
"""The living renew three times before a lease runs out, so that one slow statement loses nothing."""

# --- the clock's rounds -----------------------------------------------------------------------------------------------

LOOK_EVERY: Final[Millis] = 250
REMIND_EVERY: Final[Millis] = SECOND
SETTLE_EVERY: Final[Millis] = SECOND
ASK_EVERY: Final[Millis] = SECOND
ASKING_FINISHES: Final[Millis] = 2 * SECOND
"""A clock that is told to stop waits so long for answers that are on their way; what is not there then is asked again
when the lease has run out, as after a kill."""
OVERDUE: Final[Millis] = 2 * SECOND
"""A delivery that was just decided has its own hint on the way; only then is it hinted again."""
FIRST_RETRY: Final[Millis] = 5 * SECOND
"""After a relay that was not there; doubled each time it still is not."""

# --- Redis ------------------------------------------------------------------------------------------------------------

ANNOUNCE_EVERY: Final[Millis] = SECOND
ALIVE: Final[Millis] = 3 * SECOND
"""So long after its last announcement a worker is still given hints."""
REDIS_ANSWERS: Final[Millis] = SECOND
"""Whoever rings or announces waits no longer for Redis to connect, and no longer for its answer."""
WORKER_CONNECTS: Final[Millis] = 2 * SECOND
REDIS_LOOK_EVERY: Final[Millis] = 250
"""A worker that starts without Redis waits for it."""
RECONNECT_EVERY: Final[Millis] = SECOND
"""RQ's own first pause after a lost connection; it may not grow."""
POP_WAITS: Final[Millis] = 5 * SECOND
"""A worker asks an empty queue for so long, and then again."""
POP_SILENCE: Final[Millis] = POP_WAITS + 10 * SECOND
"""RQ takes a Redis that says nothing at all for gone after ten seconds more."""

# --- processes and files ----------------------------------------------------------------------------------------------

SIBLINGS_FINISH: Final[Millis] = 4 * SECOND
"""When one of several processes that answer dies, the others may finish what they do before all start anew."""
RESTART_AFTER: Final[Millis] = 100
"""The kernel tells the supervisor of a death; a program that had lived for two seconds is started again at once."""
FROZEN_FOR: Final[Millis] = 3 * SECOND
"""A program that somebody stopped keeps what it holds, SQLite's only lock among it: after so long it is killed."""
FROZEN_LOOK_EVERY: Final[Millis] = SECOND
FILE_LOOK_EVERY: Final[Millis] = 500
FILE_LOOK_STEP: Final[Millis] = 125
"""The thread that looks wakes up this often to see whether it is time."""
FILE_RESTS: Final[Millis] = 500
"""A file that was written this lately may be half a file."""


class Death(StrEnum):
    """What may happen to a house that is otherwise well."""

    WEB = "web killed"
    WORKER = "worker killed"
    WORKER_FROZEN = "worker frozen"
    CLOCK = "clock killed"
    MAILBOX = "mailbox killed"
    VALKEY = "Valkey killed"
    FLUSHED = "Valkey emptied"
    AWAY = "Redis away for long, and back with nothing in it"
    SILENT = "Redis falls silent, another takes its address"
    EDIT = "a rule file edited"


@dataclass(frozen=True)
class Promise:
    """Everything goes on within ``within``; its waits must leave ``for_work`` of that to the machine."""

    within: Millis
    for_work: Millis


ONE_KILL: Final = Promise(within=15 * SECOND, for_work=3 * SECOND)
ALL_OF_REDIS: Final = Promise(within=60 * SECOND, for_work=30 * SECOND)
RULE_EDIT: Final = Promise(within=2 * SECOND, for_work=500)


@dataclass(frozen=True)
class Way:
    """Something that was held up, and what it waits for, one after another, in the worst case."""

    what: str
    waits: Mapping[str, Millis]

    @property
    def configured(self) -> Millis:
        return sum(self.waits.values())


_RESTART = {"restart": RESTART_AFTER}
_LOOK_AGAIN = {"a visitor's lease": VISITOR_LEASE, "round of looks": LOOK_EVERY}
_REMIND = {"overdue": OVERDUE, "round of reminders": REMIND_EVERY}
_STILL_ADDRESSED = {"the dead are taken for alive": ALIVE}
_UNTIL_HEARD = {"the workers reconnect": RECONNECT_EVERY}
_UNHEARD_HINTS = (
    Way("a mail that nobody was told of", _REMIND),
    Way("a visitor whose look was lost", _LOOK_AGAIN),
)
_LEFT_BY_A_WORKER = (
    Way("a mail in its hands", {"a delivery's lease": DELIVERY_LEASE, "round of reminders": REMIND_EVERY}),
    Way("a mail at its last byte", {"a delivery's lease": DELIVERY_LEASE, "round of settling": SETTLE_EVERY}),
    Way("a mail hinted to it", _STILL_ADDRESSED | _REMIND),
    Way("a visitor hinted to it", _STILL_ADDRESSED | _LOOK_AGAIN),
)

WAYS: Final[Mapping[Death, tuple[Way, ...]]] = {
    Death.WEB: (Way("answers", {"its siblings finish": SIBLINGS_FINISH} | _RESTART), *_UNHEARD_HINTS[:1]),
    Death.WORKER: (Way("the process", _RESTART), *_LEFT_BY_A_WORKER),
    Death.WORKER_FROZEN: (
        Way("whoever waits for its lock", {"frozen": FROZEN_FOR, "look at the frozen": FROZEN_LOOK_EVERY}),
        *_LEFT_BY_A_WORKER,
    ),
    Death.CLOCK: (
        Way("the rounds", _RESTART),
        *_UNHEARD_HINTS[1:],
        Way("a question to a platform", {"an errand's lease": ERRAND_LEASE, "round of questions": ASK_EVERY}),
    ),
    Death.MAILBOX: (Way("a mail it did not take", {"first retry": FIRST_RETRY} | _REMIND),),
    Death.VALKEY: (
        Way("the bell", _RESTART | _UNTIL_HEARD | {"announcement": ANNOUNCE_EVERY} | _REMIND),
        Way("a visitor whose look was lost", _RESTART | _UNTIL_HEARD | _LOOK_AGAIN),
    ),
    Death.FLUSHED: (
        Way("a mail whose hint was lost", {"announcement": ANNOUNCE_EVERY} | _REMIND),
        Way("a visitor whose look was lost", {"announcement": ANNOUNCE_EVERY} | _LOOK_AGAIN),
    ),
    Death.AWAY: (
        Way(
            "a visitor whose look was lost",
            {"a starting worker finds it": REDIS_LOOK_EVERY}
            | _UNTIL_HEARD
            | {"announcement": ANNOUNCE_EVERY}
            | _LOOK_AGAIN,
        ),
    ),
    Death.SILENT: (
        Way(
            "a visitor whose look was lost",
            {"silence": POP_SILENCE, "connecting": WORKER_CONNECTS}
            | _UNTIL_HEARD
            | {"an announcement that hangs": 2 * REDIS_ANSWERS, "announcement": ANNOUNCE_EVERY}
            | _LOOK_AGAIN,
        ),
    ),
    Death.EDIT: (
        Way("a process that watches", {"two looks": 2 * (FILE_LOOK_EVERY + FILE_LOOK_STEP)}),
        Way("a process that is asked", {"the file rests": FILE_RESTS, "time for a look": FILE_LOOK_EVERY}),
    ),
}

PROMISES: Final[Mapping[Death, Promise]] = {
    **dict.fromkeys(WAYS, ONE_KILL),
    Death.FLUSHED: ALL_OF_REDIS,
    Death.AWAY: ALL_OF_REDIS,
    Death.SILENT: ALL_OF_REDIS,
    Death.EDIT: RULE_EDIT,
}


def slowest(death: Death) -> Way:
    """What goes on last after this; the ways are gone at the same time."""
    return max(WAYS[death], key=lambda way: way.configured)
