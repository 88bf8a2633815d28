"""A child process that does not outlive its parent, even when the parent is killed without a word."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from typing import Final

PARENT_VARIABLE: Final = "SHOPBELL_PARENT"
"""Names the process a child is tied to; set by ``shopbell up``, absent when something else supervises."""

_PR_SET_PDEATHSIG: Final = 1


def die_with_supervisor() -> None:
    """Tie this process, but none that it starts, to the one that ``SHOPBELL_PARENT`` names, if any."""
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if parent.isdigit():
        die_with_parent(int(parent))


def die_with_parent(parent: int) -> None:
    """End this process at once when its parent, process ``parent``, ends. On Linux this survives an ``exec``."""
    _tie(parent)
    if os.getppid() != parent:  # it ended before it could be watched
        os.kill(os.getpid(), signal.SIGKILL)


if sys.platform == "linux":

    def _tie(parent: int) -> None:
        # prctl(2). The kernel sends the signal, so it comes whatever state this process is in.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

else:

    def _tie(parent: int) -> None:
        threading.Thread(target=_wait_and_die, args=(parent,), daemon=True, name="tether").start()

    def _wait_and_die(parent: int) -> None:
        """For the BSDs, macOS among them: kqueue(2) tells when another process ends. Takes the process group along."""
        watched = select.kevent(parent, select.KQ_FILTER_PROC, fflags=select.KQ_NOTE_EXIT)
        select.kqueue().control([watched], 1, None)
        os.killpg(os.getpgrp(), signal.SIGKILL)
