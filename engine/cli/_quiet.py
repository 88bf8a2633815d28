"""Commands whose answer is the output: the log stays beside it."""

from __future__ import annotations

import sys


def tell_only_warnings() -> None:
    """Of the log, only warnings, and those on stderr."""
    import structlog

    structlog.configure(
        # Asked for anew with every line: stderr may have been put somewhere else since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
    )
