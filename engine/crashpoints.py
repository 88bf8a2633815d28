"""Places where a test may kill the process, to prove that nothing is lost or doubled when one dies just there.

Off unless the environment names a point: ``SHOPBELL_CRASH_AT=after-fence`` kills the process with SIGKILL when it gets
there, and ``after-fence:stop`` freezes it (SIGSTOP) the first time. Production refuses to start with it (see
engine.settings).
"""

from __future__ import annotations

import os
import signal
from typing import Final

VARIABLE: Final = "SHOPBELL_CRASH_AT"
POINTS: Final = (
    "before-commit",
    "after-commit",
    "after-visitor-claim",
    "before-question",
    "after-answer",
    "after-claim",
    "after-last-look",
    "before-fence",
    "after-fence",
    "after-dot",
)
_armed = os.environ.get(VARIABLE, "")


def crash_point(name: str) -> None:
    """Die here if a test asked for it."""
    if _armed:
        _strike(name)


def _strike(name: str) -> None:
    global _armed  # who was frozen once goes on for good
    point, _, how = _armed.partition(":")
    if point == name:
        _armed = ""
        os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)
