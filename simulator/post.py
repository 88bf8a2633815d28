"""Deliveries and batches on their way to Shopbell, and what became of each."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from engine.clock import MINUTE, Millis
from simulator.life import Happening, Kind
from simulator.platform import Delivery, Platform
from simulator.weather import is_insisted_on

PATIENCE_S = 60.0
"""How long an answer is waited for, on the machine's clock: what a simulation measures is not its machine."""
BROWSER_AGAIN: Millis = MINUTE
"""A page that was not heard tells it again."""
INSISTS_EVERY: Millis = 10 * MINUTE
"""What people asked for is told until it is heard: no later question would bring it."""
AT_ONCE = 8
"""Posts under way at the same time."""


@dataclass(frozen=True)
class Answer:
    """What Shopbell said to one post: the status, 0 for none, and its own word for what became of it."""

    at: Millis
    status: int
    result: str = ""


@dataclass
class Letter:
    """A delivery, or a browser's batch (``delivery`` is None), with all its answers."""

    happening: Happening
    delivery: Delivery | None
    body: bytes
    taken_at: Millis | None = None
    answers: list[Answer] = field(default_factory=list)
    withdrawn: bool = False
    unasked: bool = False
    """The platform has no webhook for it, so it tells nobody."""

    @property
    def about(self) -> str:
        return self.delivery.about if self.delivery else f"browser:{self.happening.shopper.number}"


class PostOffice:
    """Posts letters from threads of its own; whatever is not taken comes back to ``later`` for another try."""

    def __init__(
        self,
        url: str,
        platform: Platform,
        later: Callable[[Millis, Callable[[], None]], None],
        may_erase: Callable[[Letter], bool],
    ) -> None:
        self._url, self._platform, self._later, self._may_erase = url, platform, later, may_erase
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="post")
        self._changed = threading.Condition()
        self._under_way: Counter[int] = Counter()
        self.letters: list[Letter] = []

    def keep(self, letter: Letter) -> None:
        """Know of a letter, whether or not it is ever sent."""
        self.letters.append(letter)

    def send(self, letter: Letter, tries: int = 0) -> None:
        """Send it now, after so many ``tries``.

        An erasure waits until nothing about its shopper is on its way any more: a platform tells it days later.
        """
        with self._changed:
            number = letter.happening.shopper.number
            if letter.withdrawn or not self._is_sent(letter):
                return
            if letter.happening.kind is Kind.ERASURE_ASKED and (self._under_way[number] or not self._may_erase(letter)):
                self._later(MINUTE, lambda: self.send(letter, tries))
                return
            self._under_way[number] += 1
        self._pool.submit(self._post, letter, tries)

    def _is_sent(self, letter: Letter) -> bool:
        """Nothing more comes of a webhook that is not there any more."""
        hook = letter.delivery.hook if letter.delivery else None
        return hook is None or self._platform.hooks.sends(hook.number)

    def withdraw(self, number: int) -> None:
        """A platform that has erased somebody sends nothing more about them, nor does their browser."""
        with self._changed:
            for letter in self.letters:
                if letter.happening.shopper.number == number and letter.happening.kind is not Kind.ERASURE_ASKED:
                    letter.withdrawn = True

    def _post(self, letter: Letter, tries: int) -> None:
        answer = self._ask(letter)
        taken = answer.status in (self._platform.manners.taken if letter.delivery else range(200, 300))
        with self._changed:
            letter.answers.append(answer)
            if taken and letter.taken_at is None:
                letter.taken_at = answer.at
        if letter.delivery and letter.delivery.hook:
            self._platform.hooks.note(letter.delivery.hook.number, taken=taken)
        if not taken:
            self._try_again(letter, tries)
        with self._changed:
            self._under_way[letter.happening.shopper.number] -= 1

    def _try_again(self, letter: Letter, tries: int) -> None:
        pauses = self._platform.manners.again_after
        if letter.delivery is None:
            self._later(BROWSER_AGAIN, lambda: self.send(letter, tries + 1))
        elif tries < len(pauses):
            self._later(pauses[tries], lambda: self.send(letter, tries + 1))
        elif is_insisted_on(letter.delivery):
            self._later(INSISTS_EVERY, lambda: self.send(letter, tries + 1))

    def _ask(self, letter: Letter) -> Answer:
        try:
            answered = self._browse(letter) if letter.delivery is None else self._deliver(letter, letter.delivery)
        except requests.RequestException:
            return Answer(self._platform.clock(), 0)
        return Answer(self._platform.clock(), answered.status_code, _result(answered))

    def _deliver(self, letter: Letter, delivery: Delivery) -> requests.Response:
        sent = self._platform.repeated(delivery) if letter.answers else delivery
        query = f"?{sent.query}" if sent.query else ""
        by_hand = f"{self._url}/hooks/{self._platform.name}/main{query}"
        address = sent.hook.address if sent.hook else by_hand
        return requests.post(address, data=sent.body, headers=dict(sent.headers), timeout=PATIENCE_S)

    def _browse(self, letter: Letter) -> requests.Response:
        headers = {"Content-Type": "text/plain", "Origin": self._url}
        return requests.post(f"{self._url}/v1/events", data=letter.body, headers=headers, timeout=PATIENCE_S)

    @property
    def busy(self) -> bool:
        """Whether any post is under way."""
        with self._changed:
            return self._under_way.total() > 0

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown(wait=True)

    def results(self) -> Iterator[tuple[Letter, Answer]]:
        for letter in self.letters:
            for answer in letter.answers:
                yield letter, answer


def _result(answered: requests.Response) -> str:
    if not answered.headers.get("Content-Type", "").startswith("application/json"):
        return ""
    told = answered.json()
    return str(told.get("result", "")) if isinstance(told, dict) else ""
