"""The development mailbox's pages: every mail that would have been sent, as a shopper would see it and as it was sent.

A mail is a stranger's document: its HTML is only ever shown in a frame that may run nothing, from an address that says
so itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern_policy
from pathlib import Path
from typing import Final

import msgspec
from flask import Blueprint, Response, render_template, request

from engine.clock import to_datetime
from engine.errors import NotFound
from engine.mailbox import list_mails, read_mail

_VIEWS: Final = ("html", "text", "headers", "source")
_WIDTHS: Final = {"desktop": 640, "phone": 375}
_CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# Links open a tab of their own, out of the sandbox, or a restore link could not be tried out.
_FRAME: Final = "allow-popups allow-popups-to-escape-sandbox"
_FRAME_POLICY: Final = (
    f"sandbox {_FRAME}; default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'self'"
)


class MailView(msgspec.Struct, frozen=True):
    """One mail, decoded. ``headers`` as they were written, in order; ``date`` is the Date header."""

    id: str
    sender: str = msgspec.field(name="from")
    to: str
    subject: str
    date: str
    text: str
    html: str
    headers: list[tuple[str, str]]
    rule: str = ""
    """Which rule decided on it; "" where that is not known, or was erased."""


RulesOf = Callable[[list[str]], Mapping[str, str]]


def _unknown(deliveries: list[str]) -> Mapping[str, str]:
    return {}


def create_blueprint(mailbox_dir: Path, rules_of: RulesOf = _unknown) -> Blueprint:
    """``/dev/mailbox``, one mail under it, and ``/dev/mailbox.json`` for programs.

    ``rules_of`` knows the rules that decided on deliveries, by the deliveries' names.
    """
    blueprint = Blueprint(
        "mailbox", __name__, template_folder="templates", static_folder="static", static_url_path="/dev/mailbox/assets"
    )
    pages = _Pages(mailbox_dir, rules_of)
    blueprint.add_url_rule("/dev/mailbox", "index", pages.index)
    blueprint.add_url_rule("/dev/mailbox.json", "json", pages.json)
    blueprint.add_url_rule("/dev/mailbox/<mail_id>", "mail", pages.mail)
    blueprint.add_url_rule("/dev/mailbox/<mail_id>/html", "html", pages.html)
    blueprint.add_url_rule("/dev/mailbox/<mail_id>/source", "source", pages.source)
    blueprint.register_error_handler(NotFound, _not_found)
    blueprint.after_request(_guard)
    return blueprint


class _Pages:
    def __init__(self, mailbox_dir: Path, rules_of: RulesOf) -> None:
        self._box = mailbox_dir
        self._rules_of = rules_of

    def index(self) -> str:
        mails = [
            {
                "id": mail.id,
                "subject": mail.subject,
                "to": ", ".join(mail.recipients),
                "at": to_datetime(mail.received_at),
            }
            for mail in list_mails(self._box)
        ]
        return render_template("mailbox/index.html", mails=mails)

    def json(self) -> Response:
        mails = [self._view(mail.id) for mail in list_mails(self._box)]
        rules = self._rules_of([_delivery(mail) for mail in mails])
        told = [msgspec.structs.replace(mail, rule=rules.get(_delivery(mail), "")) for mail in mails]
        return Response(msgspec.json.encode(told), mimetype="application/json")

    def mail(self, mail_id: str) -> str:
        view = request.args.get("view", "html")
        width = request.args.get("width", "desktop")
        return render_template(
            "mailbox/mail.html",
            mail=self._view(mail_id),
            view=view if view in _VIEWS else "html",
            views=_VIEWS,
            width=width if width in _WIDTHS else "desktop",
            widths=_WIDTHS,
            source=_readable(read_mail(self._box, mail_id)),
            sandbox=_FRAME,
        )

    def html(self, mail_id: str) -> Response:
        # The mail's own links say nothing of where to open; inside the frame they would open nowhere.
        page = self._view(mail_id).html.replace("<head>", '<head><base target="_blank">', 1)
        response = Response(page, mimetype="text/html")
        response.headers["Content-Security-Policy"] = _FRAME_POLICY
        return response

    def source(self, mail_id: str) -> Response:
        return Response(_readable(read_mail(self._box, mail_id)), mimetype="text/plain")

    def _view(self, mail_id: str) -> MailView:
        message = message_from_bytes(read_mail(self._box, mail_id), policy=modern_policy)
        assert isinstance(message, EmailMessage)
        return MailView(
            id=mail_id,
            sender=_header(message, "From"),
            to=_header(message, "To"),
            subject=_header(message, "Subject"),
            date=_header(message, "Date"),
            text=_part(message, "plain"),
            html=_part(message, "html"),
            headers=[(name, str(value)) for name, value in message.items()],
        )


def _delivery(mail: MailView) -> str:
    """The name of the delivery that it was, which its Message-ID begins with."""
    name = next((value for header, value in mail.headers if header.casefold() == "message-id"), "")
    return name.strip("<> ").partition("@")[0]


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name, ""))


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    content = part.get_content() if part is not None else ""
    return content.replace("\r\n", "\n") if isinstance(content, str) else ""


def _readable(source: bytes) -> str:
    return source.decode("utf-8", "replace").replace("\r\n", "\n")


def _not_found(error: NotFound) -> tuple[str, int]:
    return render_template("mailbox/missing.html", message=error.message), 404


def _guard(response: Response) -> Response:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "mailbox.static":
        headers["Cache-Control"] = "no-store"
        headers.setdefault("Content-Security-Policy", _CONTENT_POLICY)
    return response
