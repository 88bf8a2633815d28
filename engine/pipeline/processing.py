"""The steps of one group commit, in their order."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from engine.clock import SECOND, Clock, Millis, machine_time, wall_clock
from engine.pipeline.group import Group
from engine.pipeline.submissions import Accepted, Answer, Submission
from engine.stitch import Stitcher
from engine.store.database import commit_begins
from engine.store.privacy_requests import erasures
from engine.store.receipts import Once
from engine.store.unit import Unit

CLOCK_TOLERANCE: Millis = machine_time(SECOND)
"""Two hosts' clocks may differ by so much; less is the time between two looks, long on a crowded machine."""


def process(connection: Connection, submissions: list[Submission], clock: Clock = wall_clock) -> list[Answer]:
    """Everything for these submissions, in this transaction; nothing is promised until the caller has committed."""
    unit = Unit(connection, commit_begins(connection))
    shift = unit.now - clock()
    group = Group(unit, shift if abs(shift) > CLOCK_TOLERANCE else 0)
    stitcher = Stitcher()
    outdated = [_is_outdated(connection, submission) for submission in submissions]
    # What is not taken in leaves no receipt either: it will be told again.
    emptied = (replace(item, events=[], receipt=None) for item in submissions)
    submissions = [none if late else item for item, none, late in zip(submissions, emptied, outdated, strict=True)]
    submissions = [_stitched(stitcher, submission) for submission in _new_ones(unit, stitcher, submissions)]
    group.load(submissions)
    shops = {submission.shop.id: submission.shop for submission in submissions}
    for handover in stitcher.hand_over(unit):
        group.heed(shops[handover.shop], handover)
    answers = [group.take_in(submission) for submission in submissions]
    group.ask_rules()
    for submission, answer, late in zip(submissions, answers, outdated, strict=True):
        group.complete(submission, answer)
        answer.outdated = late
        answer.repeated = submission.receipt is not None and not submission.events
    # Somebody who was only asked about, and is not known (any more), leaves no row.
    unit.visitors = {key: visitor for key, visitor in unit.visitors.items() if visitor.version or key in group.touched}
    for (shop_id, name), alias in stitcher.changed.items():
        unit.add("aliases", {"shop": shop_id, "name": name} | alias._asdict())
    unit.flush()
    return answers


def _is_outdated(connection: Connection, submission: Submission) -> bool:
    """Whether it was asked for before somebody was forgotten: it could bring them back."""
    known = submission.erasures
    return known is not None and known != erasures(connection, submission.shop.id)


def _new_ones(unit: Unit, stitcher: Stitcher, submissions: list[Submission]) -> list[Submission]:
    """The submissions, without the events of deliveries that were taken in before; their names are looked up."""
    once = Once(unit)
    fresh = [item if once.is_new(item.shop.id, item.receipt) else replace(item, events=[]) for item in submissions]
    stitcher.load(unit.connection, ((item.shop.id, each.event) for item in fresh for each in item.events))
    return fresh


def _stitched(stitcher: Stitcher, submission: Submission) -> Submission:
    if not any(accepted.event.refs for accepted in submission.events):
        return submission
    settled = [stitcher.settle_kept(submission.shop.id, item.event, item.body) for item in submission.events]
    return replace(submission, events=[Accepted(event, body) for event, body in settled])
