"""A mail as it goes over the wire: envelope, MIME, dot-stuffing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Final

from email_validator import EmailNotValidError, validate_email

from engine.errors import DeliveryRefused
from engine.messages import OutgoingMail

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_LIMIT: Final = 998  # octets, RFC 5322 section 2.1.1


@dataclass(frozen=True)
class Letter:
    """Envelope and content as they go over the wire; ``body`` is dot-stuffed and lacks only the final dot."""

    sender: str
    recipient: str = field(repr=False)
    international: bool
    """True when an address needs SMTPUTF8 (RFC 6531)."""
    body: bytes = field(repr=False)


def write_letter(mail: OutgoingMail, own_address: str = "") -> Letter:
    """The mail as MIME. Raises DeliveryRefused for what no mail can carry; ``bad_address`` where it is the address."""
    name, _ = _name_and_address(mail.sender)
    _, address = _name_and_address(own_address or mail.sender)
    sender = _address(address, "the sender's address")
    recipient = _address(mail.recipient, "the shopper's address", bad_address=True)
    _refuse_controls(mail)
    international = not (sender.isascii() and recipient.isascii())
    message = _message(mail, _header_address(name, sender), recipient)
    content = message.as_bytes(policy=_Policy(utf8=international))
    return Letter(sender, recipient, international, re.sub(rb"(?m)^\.", b"..", content))


class _Policy(EmailPolicy):
    """Folds as SMTP wants, with two headers done better.

    Left to email.policy, a List-Unsubscribe longer than a line becomes encoded words, which no mail program takes for
    a link, and a subject gains a space where a line breaks before a letter outside ASCII.
    """

    def __init__(self, *, utf8: bool) -> None:
        super().__init__(linesep=SMTP.linesep, utf8=utf8, message_factory=EmailMessage)

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}".encode("ascii")
        if name == "Subject" and not self.utf8:
            return f"{name}: {Header(value, header_name=name).encode(linesep=self.linesep)}{self.linesep}".encode(
                "ascii"
            )
        return super().fold_binary(name, value)


def _message(mail: OutgoingMail, sender: Address, recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _header_address(mail.recipient_name, recipient)
    if mail.reply_to:
        reply_name, reply_address = _name_and_address(mail.reply_to)
        message["Reply-To"] = _header_address(reply_name, _address(reply_address, "the reply address"))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.date / 1000, tz=UTC))
    message["Message-ID"] = _message_id(mail.message_id, sender.domain)
    # No holiday replies to a mail that a rule decided on: RFC 3834 section 5.
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{_header_url(mail.unsubscribe_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    # Quoted-printable keeps every line short and in ASCII, so that no relay has a reason to change, and so unsign, it.
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = mail.language  # after the parts are in: add_alternative moves Content- headers
    return message


def _name_and_address(text: str) -> tuple[str, str]:
    """``Name <address>`` as an OutgoingMail holds it: names may hold commas, which parseaddr would take amiss."""
    if not text.rstrip().endswith(">"):
        return "", text.strip()
    name, _, address = text.rstrip().removesuffix(">").rpartition("<")
    return name.strip().strip('"'), address.strip()


def _header_address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)


def _message_id(stated: str, domain: str) -> str:
    bare = stated.strip().strip("<>")
    return f"<{bare}>" if "@" in bare else f"<{bare}@{_ascii_domain(domain)}>"


def _ascii_domain(domain: str) -> str:
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")


def _header_url(url: str) -> str:
    if not url.isascii() or len(url) > _LINE_LIMIT - len("List-Unsubscribe: <>") or re.search(r"[\s<>]", url):
        raise DeliveryRefused("the unsubscribe address cannot stand in a header")
    return url


def _address(text: str, what: str, *, bad_address: bool = False) -> str:
    """The address as it goes over the wire: IDN domains in ASCII where the part before the @ is ASCII too."""
    try:
        valid = validate_email(text, check_deliverability=False, globally_deliverable=False, allow_smtputf8=True)
    except EmailNotValidError:
        raise DeliveryRefused(f"{what} is not an e-mail address", bad_address=bad_address) from None
    return valid.ascii_email or valid.normalized


def _refuse_controls(mail: OutgoingMail) -> None:
    headers = {
        "the sender": mail.sender,
        "the shopper's name": mail.recipient_name,
        "the reply address": mail.reply_to,
        "the subject": mail.subject,
        "the language": mail.language,
        "the unsubscribe address": mail.unsubscribe_url,
        "the message id": mail.message_id,
    }
    for what, text in headers.items():
        if _CONTROLS.search(text):
            raise DeliveryRefused(f"{what} holds a line break or another control character")
