"""What is told about a day: a table, in the language of whoever asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from rich.table import Table

from engine.said import say
from simulator.life import Kind
from simulator.promises import Seen, forgotten, lost, stopped, surprised

Words = Callable[[str], str]


def table(seen: Seen, words: Words) -> Table:
    """Everything that was counted; ``words`` says a sentence in the reader's language."""
    made = Table(title=words(say("A day at the shop")), show_header=False)
    made.add_column()
    made.add_column(justify="right")
    for what, count in _rows(seen):
        made.add_row(words(what), str(count))
    return made


def _rows(seen: Seen) -> Iterator[tuple[str, int]]:
    yield say("shoppers"), len(seen.life.shoppers)
    yield from _deliveries(seen)
    yield from _batches(seen)
    placed = {each.shopper for each in seen.life.happenings if each.kind is Kind.ORDERED}
    yield say("orders"), len(placed)
    for rule, count in sorted(Counter(mail.rule for mail in seen.mails).items()):
        yield say("mails by %(rule)s", rule=rule or say("rules that were erased with their shopper")), count
    yield say("shipping surprises mailed, with what the shopper saw and the cart they left"), len(surprised(seen))
    yield say("orders in time, so without a mail about a cart"), len(stopped(seen))
    yield say("erasures"), sum(1 for each in seen.life.happenings if each.kind is Kind.ERASURE_ASKED)
    yield say("… after which nothing is known"), len(forgotten(seen))
    yield say("webhooks that the platform gave up"), seen.given_up
    yield say("… and that are missing in the end"), len(seen.silent)
    yield say("lost on the way"), len(lost(seen))


def _deliveries(seen: Seen) -> Iterator[tuple[str, int]]:
    letters = [letter for letter in seen.letters if letter.delivery is not None]
    answers = [answer for letter in letters for answer in letter.answers]
    results = Counter(answer.result for answer in answers)
    yield say("deliveries sent"), len(answers)
    yield say("… accepted"), results["accepted"]
    yield say("… repeated, so that they changed nothing"), results["duplicate"]
    yield say("… not understood, and kept"), results["quarantined"]
    yield say("… refused"), sum(1 for answer in answers if 400 <= answer.status < 500)
    yield say("… while Shopbell was away, and sent again"), sum(1 for each in answers if not 200 <= each.status < 500)
    yield (
        say("deliveries that the platform never sent"),
        sum(1 for each in letters if not each.answers and not each.withdrawn),
    )
    yield say("… because it had no webhook for them"), sum(1 for each in letters if each.unasked)


def _batches(seen: Seen) -> Iterator[tuple[str, int]]:
    batches = [letter for letter in seen.letters if letter.delivery is None]
    yield say("batches from browsers"), len(batches)
    yield say("… taken"), sum(1 for letter in batches if letter.taken_at is not None)
