"""What somebody holds for one lease is theirs for as long as they live: the living renew it, the dead do not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from engine.clock import SECOND
from engine.errors import StoreError
from engine.recovery import RENEW_EVERY

log = structlog.get_logger()


@contextmanager
def held_by_the_living(renew: Callable[[], bool], *, about: str) -> Iterator[None]:
    """Renew a lease while the other side takes its time; a process that is stopped renews nothing and loses it.

    ``renew`` says whether it is still ours; ``about`` names what is held in the log, and must not name anybody.
    """
    done = threading.Event()

    def keep() -> None:
        while not done.wait(RENEW_EVERY / SECOND):
            try:
                if not renew():
                    return
            except StoreError:
                log.warning("lease not renewed", held=about)

    keeper = threading.Thread(target=keep, name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
