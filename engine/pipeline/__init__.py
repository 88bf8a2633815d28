"""The one path, where the steps meet: load, apply, ask the rules, write.

:func:`process` does it for all submissions of one group commit inside one transaction. It reads top to bottom as the
house works: event in → visitor state → rules → decision → delivery.
"""

from engine.pipeline.group import Group
from engine.pipeline.processing import process
from engine.pipeline.submissions import Accepted, Answer, ShopRules, Submission, server_visitor

__all__ = ["Accepted", "Answer", "Group", "ShopRules", "Submission", "process", "server_visitor"]
