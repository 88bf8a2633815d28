"""SMTP: mail through any relay, handed over so that what became of it is known.

RFC 5321 gives the relay the responsibility for a mail with its answer to the final dot, so the dot is where a mail is
sent. Everything before it may be repeated; once the dot may have left, only the relay's answer says what happened.
The fence is asked directly before the dot.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import closing
from typing import Annotated, ClassVar

import msgspec

from engine.errors import DeliveryDelayed, DeliveryRefused
from engine.integration import Fence, MailSender, Settings, setting
from engine.messages import OutgoingMail
from integrations.smtp.conversation import Line, PlainLine, TlsLine, answer, expect, finish, introduce, redact
from integrations.smtp.letter import Letter, write_letter
from integrations.smtp.relay import Deadlines, Relay


class SmtpSettings(Settings, frozen=True):
    url: Annotated[
        str,
        setting(
            "smtp[s]://user:password@host:port, with ?starttls=required or never; env:NAME where it holds a password"
        ),
    ] = "env:SMTP_URL"
    sender: Annotated[str, setting("the address mail is sent from: Name <address>, or the address alone")] = (
        msgspec.field(default="", name="from")
    )


class Smtp(MailSender[SmtpSettings]):
    """Mail through any SMTP relay.

    Carries the mail of every shop that names no other carrier. What becomes of a mail at each step stands in
    [mail.md](../mail.md#handing-it-over-integrationssmtp).
    """

    title: ClassVar[str] = "SMTP relay"
    settings_type = SmtpSettings
    used_unnamed: ClassVar[bool] = True

    def __init__(
        self, settings: SmtpSettings, *, deadlines: Deadlines | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(settings)
        self._relay = Relay.from_url(settings.url)
        self._deadlines = deadlines or Deadlines()
        self._tls = tls or ssl.create_default_context()

    @property
    def sender(self) -> str:
        return self.settings.sender

    def send(self, mail: OutgoingMail, fence: Fence) -> str:
        """Hand the mail over and return the relay's answer to it.

        Nothing is repeated here, and no message of an error holds an address.
        """
        letter = write_letter(mail, self.settings.sender)
        with closing(self._connect()) as line:
            self._bring(line, letter)
            if not fence():
                raise DeliveryDelayed("another worker owns it")
            return finish(line, self._deadlines)

    def _connect(self) -> Line:
        try:
            return self._open()
        except smtplib.SMTPResponseException as error:
            raise DeliveryDelayed(f"the relay does not serve us: {answer(error.smtp_code, error.smtp_error)}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryDelayed(f"the relay cannot be reached: {redact(str(error))}") from None

    def _open(self) -> Line:
        relay, limits = self._relay, self._deadlines
        kind = TlsLine if relay.tls else PlainLine
        line = kind(relay.host, relay.port, limits, self._tls)
        try:
            introduce(line)
            if not relay.tls and relay.starttls != "never" and self._may_encrypt(line):
                line.starttls(context=self._tls)
                introduce(line)
            if relay.user:
                line.login(relay.user, relay.password)
        except BaseException:
            line.close()
            raise
        return line

    def _may_encrypt(self, line: Line) -> bool:
        offered = line.has_extn("starttls")
        if not offered and self._relay.starttls == "required":
            raise smtplib.SMTPNotSupportedError("it does not offer STARTTLS, which is required")
        return offered

    def _bring(self, line: Line, letter: Letter) -> None:
        """Everything up to, but without, the final dot. Raises DeliveryDelayed or DeliveryRefused."""
        if letter.international and not line.has_extn("smtputf8"):
            raise DeliveryRefused("the relay cannot carry an address with letters outside ASCII (SMTPUTF8)")
        try:
            expect(line.mail(letter.sender, ["SMTPUTF8"] if letter.international else []), "the sender")
            expect(line.rcpt(letter.recipient), "the address", recipient=True)
            expect(line.docmd("DATA"), "the mail", wanted=3)
            line.pour(letter.body)
            early = line.early_reply()
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryDelayed(f"the relay went away before the mail was complete: {redact(str(error))}") from None
        if early is not None:
            expect(early, "the mail", wanted=0)
