"""The development mailbox: mail goes in by SMTP and can be read."""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from subprocess import Popen

import pytest

from engine.errors import NotFound
from engine.mailbox import keep_mail, list_mails, read_mail
from tests.parts import DEADLINE_S, wait_until_listening


@pytest.fixture
def mailbox_port(environment: dict[str, str]) -> Iterator[int]:
    """A running ``shopbell mailbox``."""
    port = int(environment["MAILBOX_PORT"])
    with Popen([sys.executable, "-m", "engine.cli", "mailbox"], env=environment) as process:
        wait_until_listening(port, process)
        yield port
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


@pytest.fixture
def folder(environment: dict[str, str]) -> Path:
    return Path(environment["DATA_DIR"]) / "mailbox"


def letter(subject: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Shop <shop@shop.example>", "Anna <anna@mail.example>", subject
    mail.set_content("Je mandje staat nog klaar.\nFrom the shop, with an é.\n.\n")
    return mail.as_bytes().replace(b"\n", b"\r\n")


def test_a_mail_is_kept_byte_for_byte_with_its_envelope(mailbox_port: int, folder: Path) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox_port) as client:
        client.sendmail("bounce@shop.example", ["anna@mail.example", "bob@mail.example"], letter("Café? 10 € korting"))
    (mail,) = list_mails(folder)
    assert mail.sender == "bounce@shop.example"
    assert mail.recipients == ("anna@mail.example", "bob@mail.example")
    assert mail.subject == "Café? 10 € korting"
    assert read_mail(folder, mail.id) == letter("Café? 10 € korting")


def test_an_address_outside_ascii_arrives(mailbox_port: int, folder: Path) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox_port) as client:
        client.sendmail("shop@shop.example", ["zoë@mail.example"], letter("Hoi"), mail_options=["SMTPUTF8"])
    assert list_mails(folder)[0].recipients == ("zoë@mail.example",)


def test_what_was_answered_with_250_can_be_read_at_once(mailbox_port: int, folder: Path) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox_port) as client:
        for number in range(1, 4):
            client.sendmail("shop@shop.example", ["anna@mail.example"], letter(f"Mail {number}"))
            assert len(list_mails(folder)) == number


def test_the_newest_mail_comes_first(tmp_path: Path) -> None:
    for at in (1_000, 3_000, 2_000):
        keep_mail(tmp_path / "box", sender="", recipients=(), mail=b"Subject: %d\n\n" % at, at=at)
    assert [mail.subject for mail in list_mails(tmp_path / "box")] == ["3000", "2000", "1000"]


def test_a_mailbox_that_never_got_mail_is_empty(tmp_path: Path) -> None:
    assert list_mails(tmp_path / "nothing") == []
    with pytest.raises(NotFound):
        read_mail(tmp_path / "nothing", "1")


@pytest.mark.parametrize("mail_id", ["", ".", "new", "../../secret_key", "/etc/passwd", "\0", "no-such-mail"])
def test_an_id_that_is_none_finds_nothing(tmp_path: Path, mail_id: str) -> None:
    (tmp_path / "secret_key").write_text("canary")
    keep_mail(tmp_path / "box", sender="", recipients=(), mail=b"\n", at=1)
    with pytest.raises(NotFound):
        read_mail(tmp_path / "box", mail_id)


def test_a_mail_of_odd_bytes_is_still_listed(tmp_path: Path) -> None:
    odd = b"Subject: =?utf-8?q?=FF?= \xff\xfe\r\nSubject: again\r\n\r\n\x00\xff"
    keep_mail(tmp_path / "box", sender='"><script>', recipients=("\n",), mail=odd, at=1)
    (mail,) = list_mails(tmp_path / "box")
    assert mail.sender == '"><script>'
    assert read_mail(tmp_path / "box", mail.id) == odd


def test_a_taken_port_is_a_plain_sentence(
    mailbox_port: int, environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with Popen([sys.executable, "-m", "engine.cli", "mailbox"], env=environment) as second:
        assert second.wait(DEADLINE_S) == 2
    assert f"cannot listen on 127.0.0.1:{mailbox_port}: Address already in use." in capfd.readouterr().err
