"""What a rule can do when it is met; importing this registers every action. See :mod:`engine.rules.actions.base`."""

from engine.rules.actions.base import ACTIONS, STEPS, BaseAction, Late, Message, Silent, Turn

from engine.rules.actions.page import Invite, Nudge, PageMessage  # isort: skip - the order of the reference
from engine.rules.actions.mail import CALLS, OFFERS, PROMISES, TEMPLATES, Email, Mail, Survey  # isort: skip
from engine.rules.actions.flow import Stop, Wait  # isort: skip
from engine.rules.actions.outside import Audience, Tag, TellAgent, Webhook  # isort: skip

__all__ = [
    "ACTIONS",
    "CALLS",
    "OFFERS",
    "PROMISES",
    "STEPS",
    "TEMPLATES",
    "Audience",
    "BaseAction",
    "Email",
    "Invite",
    "Late",
    "Mail",
    "Message",
    "Nudge",
    "PageMessage",
    "Silent",
    "Stop",
    "Survey",
    "Tag",
    "TellAgent",
    "Turn",
    "Wait",
    "Webhook",
]
