"""Handing mail over: what is known at each step, and that one mail is never two.

The relay here is a real server on a real socket that misbehaves at exactly one step.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern_policy
from pathlib import Path

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from engine.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUncertain, SettingsError
from engine.integration import create
from engine.mailbox import MailboxHandler, list_mails, read_mail
from engine.messages import OutgoingMail
from integrations.smtp import Smtp, SmtpSettings
from integrations.smtp.relay import Deadlines, Relay
from tests.parts import DEADLINE_S, free_port

SOON = Deadlines(connect_s=0.3, command_s=0.3, final_s=0.3)
PATIENT = Deadlines(connect_s=DEADLINE_S, command_s=DEADLINE_S, final_s=DEADLINE_S)
PATIENT_UNTIL_THE_DOT = replace(PATIENT, final_s=0.3)
CERTIFICATE = Path(__file__).parent / "tls" / "localhost.pem"
UNSUBSCRIBE = "https://bell.example/u/" + "x" * 180

MAIL = OutgoingMail(
    message_id="dec_01jd9",
    sender="Sanne, Inkt & Papier <sanne@inkt.example>",
    recipient="anna@mail.example",
    recipient_name="Anna Müller",
    reply_to="sanne@inkt.example",
    subject="Je winkelwagen bij Inkt & Papier staat nog klaar, met een lang café-onderwerp dat omgebroken wordt",
    html="<p>Hallo Anna</p>",
    text="Hallo Anna,\n\n.een punt vooraan\n..twee punten\n.\nDat was het.\n",
    language="nl",
    unsubscribe_url=UNSUBSCRIBE,
    date=1_795_000_000_000,
)

GOOD = {
    "greeting": "220 relay.example ESMTP",
    "EHLO": "250-relay.example\r\n250 SIZE 10000000",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "dot": "250 2.0.0 queued as 4711",
    "QUIT": "221 bye",
}
DROP, SILENCE, CHATTER = "drop", "silence", "chatter"


class FaultyRelay:
    """An SMTP server for one connection that follows a script; ``messages`` are those whose final dot it saw."""

    def __init__(self, **script: str) -> None:
        self.script = GOOD | script
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> FaultyRelay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):  # wakes a relay that nobody came to; one that had company has closed it already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            with self._listener:
                connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines.readline)
        except OSError:
            self.commands.append("(client gone)")

    def _talk(self, connection: socket.socket, readline: Callable[[], bytes]) -> None:
        talking = self._answer(connection, "greeting")
        while talking:
            line = readline()
            if not line:
                return
            verb, *rest = line.decode().strip().split(" ", 1)
            verb = verb.upper()
            self.commands.append(" ".join([verb, *rest]))
            talking = self._answer(connection, verb)
            if talking and verb == "DATA" and self.script["DATA"].startswith("354"):
                talking = self._take_body(readline) and self._answer(connection, "dot")

    def _take_body(self, readline: Callable[[], bytes]) -> bool:
        body = b""
        if self.script.get("body") == DROP:
            return False
        while (line := readline()) != b".\r\n":
            if not line:
                return False
            body += line
        self.messages.append(body)
        return True

    def _answer(self, connection: socket.socket, step: str) -> bool:
        answer = self.script[step]
        if answer == SILENCE:
            self._over.wait(DEADLINE_S)
        elif answer == CHATTER:
            while not self._over.is_set():
                connection.sendall(b"250-and another thing\r\n")
        elif answer != DROP:
            connection.sendall(answer.encode() + b"\r\n")
            return True
        return False


class Fence:
    """A fence that says what it is told to, and remembers being asked."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.answer


def sender(port: int, deadlines: Deadlines = PATIENT, query: str = "", own: str = "") -> Smtp:
    return Smtp(SmtpSettings(url=f"smtp://127.0.0.1:{port}{query}", sender=own), deadlines=deadlines)


def failure(
    relay: FaultyRelay, fence: Fence, mail: OutgoingMail = MAIL, deadlines: Deadlines = PATIENT
) -> DeliveryError:
    with pytest.raises(DeliveryError) as error:
        sender(relay.port, deadlines).send(mail, fence)
    return error.value


# --- before the dot ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_relay_that_says_not_now_delays_the_mail(step: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: "451 4.3.0 come back later"}) as relay:
        error = failure(relay, fence)
    assert isinstance(error, DeliveryDelayed)
    assert "451 4.3.0 come back later" in error.message
    assert (fence.asked, relay.messages) == (0, [])


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_relay_that_says_never_refuses_the_mail(step: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: "554 5.7.1 not from you"}) as relay:
        error = failure(relay, fence)
    assert isinstance(error, DeliveryRefused)
    assert not error.bad_address
    assert (fence.asked, relay.messages) == (0, [])


@pytest.mark.parametrize("step", ["greeting", "EHLO"])
def test_a_relay_that_does_not_want_us_at_all_only_delays_the_mail(step: str) -> None:
    with FaultyRelay(**{step: "554 5.7.1 no service for you"}) as relay:
        assert isinstance(failure(relay, Fence()), DeliveryDelayed)


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_relay_that_hangs_up_delays_the_mail(step: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: DROP}) as relay:
        assert isinstance(failure(relay, fence), DeliveryDelayed)
    assert (fence.asked, relay.messages) == (0, [])


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", [SILENCE, CHATTER])
def test_a_relay_that_stalls_delays_the_mail_at_its_deadline(step: str, fault: str) -> None:
    fence = Fence()
    with FaultyRelay(**{step: fault}) as relay:
        assert isinstance(failure(relay, fence, deadlines=SOON), DeliveryDelayed)
    assert (fence.asked, relay.messages) == (0, [])


def test_a_relay_that_vanishes_inside_the_mail_delays_it() -> None:
    fence = Fence()
    large = msgspec.structs.replace(MAIL, html="<p>" + "Hallo " * 1_000_000 + "</p>")
    with FaultyRelay(body=DROP) as relay:
        assert isinstance(failure(relay, fence, large), DeliveryDelayed)
    assert (fence.asked, relay.messages) == (0, [])


def test_nobody_listening_delays_the_mail() -> None:
    with pytest.raises(DeliveryDelayed):
        sender(free_port()).send(MAIL, Fence())


# --- the fence --------------------------------------------------------------------------------------------------------


def test_a_worker_that_no_longer_owns_the_delivery_sends_nothing() -> None:
    fence = Fence(answer=False)
    with FaultyRelay() as relay:
        error = failure(relay, fence)
    assert isinstance(error, DeliveryDelayed)
    assert error.message == "another worker owns it"
    assert (fence.asked, relay.messages) == (1, [])
    assert "DATA" in relay.commands


def test_a_fence_that_fails_sends_nothing() -> None:
    def fence() -> bool:
        raise ConnectionError("the database is away")

    with FaultyRelay() as relay, pytest.raises(ConnectionError):
        sender(relay.port).send(MAIL, fence)
    assert relay.messages == []


def test_the_fence_is_asked_after_the_mail_and_before_the_dot() -> None:
    with FaultyRelay() as relay:
        seen: list[list[bytes]] = []

        def fence() -> bool:
            seen.append(list(relay.messages))
            return True

        sender(relay.port).send(MAIL, fence)
    assert seen == [[]]
    assert len(relay.messages) == 1


# --- the dot ----------------------------------------------------------------------------------------------------------


def test_a_mail_the_relay_took_is_sent_and_its_answer_kept() -> None:
    fence = Fence()
    with FaultyRelay() as relay:
        assert sender(relay.port).send(MAIL, fence) == "250 2.0.0 queued as 4711"
    assert (fence.asked, len(relay.messages)) == (1, 1)
    assert relay.commands[1:5] == ["MAIL FROM:<sanne@inkt.example>", "RCPT TO:<anna@mail.example>", "DATA", "QUIT"]


def test_how_the_goodbye_goes_changes_nothing() -> None:
    with FaultyRelay(QUIT=SILENCE) as relay:
        assert sender(relay.port).send(MAIL, Fence()).startswith("250")


@pytest.mark.parametrize("fault", [DROP, SILENCE, CHATTER])
def test_silence_after_the_dot_leaves_it_uncertain(fault: str) -> None:
    with FaultyRelay(dot=fault) as relay:
        error = failure(relay, Fence(), deadlines=PATIENT_UNTIL_THE_DOT)
    assert isinstance(error, DeliveryUncertain)
    assert len(relay.messages) == 1


@pytest.mark.parametrize("nonsense", ["hello", "999 what", "354 go ahead", "100 well"])
def test_nonsense_after_the_dot_leaves_it_uncertain(nonsense: str) -> None:
    with FaultyRelay(dot=nonsense) as relay:
        assert isinstance(failure(relay, Fence()), DeliveryUncertain)


def test_a_relay_that_says_not_now_to_the_dot_delays_the_mail() -> None:
    with FaultyRelay(dot="452 4.3.1 disk full") as relay:
        assert isinstance(failure(relay, Fence()), DeliveryDelayed)


def test_a_relay_that_says_never_to_the_dot_refuses_the_mail() -> None:
    with FaultyRelay(dot="550 5.7.1 looks like spam") as relay:
        error = failure(relay, Fence())
    assert isinstance(error, DeliveryRefused)
    assert not error.bad_address


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "dead"),
    [
        ("550 5.1.1 <anna@mail.example> no such user", True),
        ("551 5.1.6 moved", True),
        ("553 5.1.3 bad syntax", True),
        ("550 5.1.10 null MX", True),
        ("550 5.1.8 bad sender's system", False),
        ("550 5.7.1 relaying denied", False),
        ("550 relaying denied", False),
        ("552 5.2.2 mailbox full", False),
    ],
)
def test_only_a_refusal_of_the_address_itself_counts_against_it(answer: str, dead: bool) -> None:
    with FaultyRelay(RCPT=answer) as relay:
        error = failure(relay, Fence())
    assert isinstance(error, DeliveryRefused)
    assert error.bad_address is dead


@pytest.mark.parametrize("step", ["RCPT", "dot"])
def test_no_error_repeats_an_address(step: str) -> None:
    with FaultyRelay(**{step: "550 5.1.1 <anna@mail.example>: anna@mail.example unknown"}) as relay:
        error = failure(relay, Fence())
    assert "anna" not in error.message
    assert "(address)" in error.message


@pytest.mark.parametrize(
    "address", ["", "anna", "anna@", "a@b@c.example", "anna@mail.example, bob@mail.example", "a b@c.example"]
)
def test_what_is_no_single_address_is_refused_as_one(address: str) -> None:
    with pytest.raises(DeliveryRefused) as error:
        sender(1).send(msgspec.structs.replace(MAIL, recipient=address), Fence())
    assert error.value.bad_address
    assert "anna" not in error.value.message


def test_a_domain_outside_ascii_travels_in_its_ascii_form() -> None:
    with FaultyRelay() as relay:
        sender(relay.port).send(msgspec.structs.replace(MAIL, recipient="anna@bücher.example"), Fence())
    assert "RCPT TO:<anna@xn--bcher-kva.example>" in relay.commands


def test_a_name_outside_ascii_needs_a_relay_that_can_carry_it() -> None:
    mail = msgspec.structs.replace(MAIL, recipient="jürgen@mail.example")
    with FaultyRelay() as relay:
        error = failure(relay, Fence(), mail)
    assert isinstance(error, DeliveryRefused)
    assert not error.bad_address
    with FaultyRelay(EHLO="250-relay.example\r\n250 SMTPUTF8") as able:
        sender(able.port).send(mail, Fence())
    assert "RCPT TO:<jürgen@mail.example>" in able.commands
    assert any(command.endswith("SMTPUTF8") for command in able.commands)


def test_a_relay_that_wants_its_own_sender_gets_it() -> None:
    with FaultyRelay() as relay:
        sender(relay.port, own="post@relay.example").send(MAIL, Fence())
    assert "MAIL FROM:<post@relay.example>" in relay.commands
    assert b'From: "Sanne, Inkt & Papier" <post@relay.example>' in relay.messages[0]


@pytest.mark.parametrize(
    "field", ["subject", "sender", "recipient_name", "reply_to", "language", "unsubscribe_url", "message_id"]
)
@pytest.mark.parametrize("poison", ["\r\nBcc: x@evil.example", "\nX: y", "\x00", "\udc80"])
def test_a_header_that_would_start_another_is_refused(field: str, poison: str) -> None:
    whole = getattr(MAIL, field)
    hostile = msgspec.structs.replace(MAIL, **{field: poison + whole})
    with pytest.raises(DeliveryRefused):
        sender(1).send(hostile, Fence())


# --- the mail itself --------------------------------------------------------------------------------------------------


@contextmanager
def serving(handler: object, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    port = free_port()
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        ready_timeout=DEADLINE_S,
        enable_SMTPUTF8=True,
        tls_context=tls,
        authenticator=let_in if tls else None,
        auth_required=tls is not None,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def received(path: Path) -> EmailMessage:
    [summary] = list_mails(path)
    message = message_from_bytes(read_mail(path, summary.id), policy=modern_policy)
    assert isinstance(message, EmailMessage)
    return message


def test_a_mail_arrives_as_it_was_written(tmp_path: Path) -> None:
    box = tmp_path / "mailbox"
    with serving(MailboxHandler(box)) as port:
        sender(port).send(MAIL, Fence())
    message = received(box)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content().strip() == MAIL.html
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_the_headers_say_who_what_and_how_to_leave(tmp_path: Path) -> None:
    box = tmp_path / "mailbox"
    with serving(MailboxHandler(box)) as port:
        sender(port).send(MAIL, Fence())
    message = received(box)
    assert {name: str(message[name]) for name in message if name not in ("MIME-Version", "Content-Type")} == {
        "From": '"Sanne, Inkt & Papier" <sanne@inkt.example>',
        "To": "Anna Müller <anna@mail.example>",
        "Reply-To": "sanne@inkt.example",
        "Subject": MAIL.subject,
        "Date": "Wed, 18 Nov 2026 11:06:40 +0000",
        "Message-ID": "<dec_01jd9@inkt.example>",
        "Content-Language": "nl",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{UNSUBSCRIBE}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_the_same_delivery_always_has_the_same_message_id() -> None:
    ids = set()
    for _ in range(2):
        with FaultyRelay(dot=DROP) as relay:
            failure(relay, Fence())
        ids.add(message_from_bytes(relay.messages[0])["Message-ID"])
    assert ids == {"<dec_01jd9@inkt.example>"}


def test_on_the_wire_every_line_is_short_ends_well_and_hides_no_dot() -> None:
    with FaultyRelay() as relay:
        sender(relay.port).send(msgspec.structs.replace(MAIL, html="<p>" + "é" * 5_000 + "</p>\r.\r\n.\n"), Fence())
    [raw] = relay.messages
    assert f"List-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode() in raw
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) < 998
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    assert b"..een punt vooraan" in lines
    assert b"...twee punten" in lines
    assert raw.isascii()


# --- relays with a door -----------------------------------------------------------------------------------------------


class Box:
    def __init__(self) -> None:
        self.got: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.extend(envelope.rcpt_tos)
        return "250 kept"


def let_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop", b"pass/word")
    return AuthResult(success=known, handled=False)


@contextmanager
def guarded(box: Box) -> Iterator[int]:
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(CERTIFICATE)
    with serving(box, server_side) as port:
        yield port


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def test_a_password_travels_only_after_starttls() -> None:
    box = Box()
    with guarded(box) as port:
        relay = Smtp(SmtpSettings(url=f"smtp://shop:pass%2Fword@localhost:{port}?starttls=required"), tls=trusting())
        assert relay.send(MAIL, Fence()) == "250 kept"
    assert box.got == ["anna@mail.example"]


def test_a_wrong_password_delays_every_mail_and_loses_none() -> None:
    box = Box()
    with guarded(box) as port:
        relay = Smtp(SmtpSettings(url=f"smtp://shop:wrong@localhost:{port}"), tls=trusting(), deadlines=PATIENT)
        with pytest.raises(DeliveryDelayed) as error:
            relay.send(MAIL, Fence())
    assert "wrong" not in error.value.message
    assert box.got == []


def test_a_relay_nobody_vouches_for_gets_neither_password_nor_mail() -> None:
    box = Box()
    with guarded(box) as port, pytest.raises(DeliveryDelayed):
        Smtp(SmtpSettings(url=f"smtp://shop:pass%2Fword@localhost:{port}"), deadlines=PATIENT).send(MAIL, Fence())
    assert box.got == []


def test_encryption_that_is_required_is_not_talked_away() -> None:
    with FaultyRelay() as relay, pytest.raises(DeliveryDelayed, match="STARTTLS"):
        sender(relay.port, query="?starttls=required").send(MAIL, Fence())
    assert not any(command.startswith("MAIL") for command in relay.commands)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_the_url_says_where_mail_goes() -> None:
    assert Relay.from_url("smtp://127.0.0.1:8025") == Relay("127.0.0.1", 8025, False, "offered")
    assert Relay.from_url("smtps://u:p%40@mail.example") == Relay("mail.example", 465, True, "required", "u", "p@")
    assert Relay.from_url("smtp://mail.example?starttls=never") == Relay("mail.example", 25, False, "never")


@pytest.mark.parametrize(
    "url",
    ["", "http://x", "smtp://", "smtp://u:secret@h:99999", "smtp://u:secret@h?starttls=maybe", "smtp://u:secret@h?x"],
)
def test_an_impossible_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        Smtp(SmtpSettings(url=url))
    assert "secret" not in error.value.message


def test_the_integration_is_found_by_its_name() -> None:
    made = create("smtp", {"url": "env:SMTP_URL"}, {"SMTP_URL": "smtp://127.0.0.1:8025"})
    assert isinstance(made, Smtp)
