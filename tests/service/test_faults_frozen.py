"""A worker that was frozen for longer than its lease comes back: the fence holds, and one mail is not two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from tests.service.faulty_smtp import FaultySmtp
from tests.service.house import HANG_S, House, Shopper, open_house, wait_until


@dataclass
class Frozen:
    """A house with two workers that froze (SIGSTOP) in the middle of a mail, and two that live."""

    house: House
    smtp: FaultySmtp
    before_the_fence: Shopper
    after_the_fence: Shopper

    def go_on(self, point: str) -> None:
        """Let a frozen worker go on until it has finished what it held."""
        self.house.go_on(f"worker {point}")
        self.house.wait_until_works(f"worker {point}")


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    folder = tmp_path_factory.mktemp("frozen")
    url = f"sqlite:///{folder / 'shopbell.db'}"
    with FaultySmtp() as smtp, open_house(folder, url, smtp.url, workers=0) as house:
        points = ("before-fence", "after-fence")
        for point in points:
            house.start(f"worker {point}", crash_at=f"{point}:stop")
        shoppers = [Shopper("anna@mail.example"), Shopper("bram@mail.example")]
        house.leaves_cart(*shoppers)
        wait_until(lambda: all(_is_frozen(house, f"worker {point}") for point in points), "both to freeze")
        # The clock may already have seen that one of them does not come back.
        before, after = sorted(shoppers, key=lambda shopper: house.state_of(shopper) in ("dot", "uncertain"))
        house.start("worker", "worker 2")
        yield Frozen(house, smtp, before, after)


def _is_frozen(house: House, name: str) -> bool:
    return psutil.Process(house.processes[name].pid).status() == psutil.STATUS_STOPPED


def test_what_a_frozen_worker_had_not_yet_intended_is_sent_by_another_and_only_by_it(frozen: Frozen) -> None:
    shopper = frozen.before_the_fence
    frozen.house.wait_for_state(shopper, "sent", timeout_s=HANG_S)
    assert len(frozen.smtp.mails_to(shopper.email)) == 1
    frozen.go_on("before-fence")
    assert len(frozen.smtp.mails_to(shopper.email)) == 1
    assert frozen.house.state_of(shopper) == "sent"


def test_what_a_frozen_worker_had_intended_is_uncertain_until_it_comes_back_and_knows(frozen: Frozen) -> None:
    shopper = frozen.after_the_fence
    frozen.house.wait_for_state(shopper, "uncertain", timeout_s=HANG_S)
    assert frozen.smtp.mails_to(shopper.email) == []
    frozen.go_on("after-fence")
    frozen.house.wait_for_state(shopper, "sent")
    assert len(frozen.smtp.mails_to(shopper.email)) == 1
