"""The environment, read once, with everything that is wrong told at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.settings import LONGEST_SOCKET_PATH, Settings, valkey_socket

SECRET = "thirty-two-characters-or-more-of-it"


def problems(**variables: str) -> str:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({"SECRET_KEY": SECRET, **variables})
    return str(raised.value)


def read(**variables: str) -> Settings:
    return Settings.from_env({"SECRET_KEY": SECRET, **variables})


def test_nothing_need_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.data_dir == tmp_path / "data"
    assert settings.rules == tmp_path / "rules.yaml"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/shopbell.db"
    assert settings.redis_embedded
    assert settings.mailbox
    assert settings.smtp_url == "smtp://127.0.0.1:8025"
    assert settings.durability == "full"
    assert not settings.production


def test_how_long_and_how_much_have_sober_defaults() -> None:
    settings = read()
    assert settings.forget_after_ms == 90 * 24 * 60 * 60 * 1000
    assert (settings.visitor_rate, settings.address_rate, settings.trusted_proxies) == (10, 0, 0)
    assert (settings.workers, settings.web_processes, settings.web_threads) == (2, 1, 32)


def test_an_empty_variable_is_an_absent_one() -> None:
    assert read(PORT="", SMTP_URL=" ").port == 8080


def test_the_development_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first, second = (Settings.from_env({"DATA_DIR": str(tmp_path / "data")}) for _ in range(2))
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        starts = [pool.submit(Settings.from_env, {"DATA_DIR": str(tmp_path / "data")}) for _ in range(64)]
    assert len({start.result().secret_key for start in starts}) == 1


def test_a_spoilt_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short")
    with pytest.raises(SettingsError, match="secret_key holds no key"):
        Settings.from_env({"DATA_DIR": str(tmp_path)})


def test_a_data_folder_that_cannot_be_made_is_a_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"DATA_DIR .*file/data cannot be used: Not a directory\."):
        Settings.from_env({"DATA_DIR": str(tmp_path / "file" / "data")})


def test_a_given_key_touches_no_folder(tmp_path: Path) -> None:
    read(DATA_DIR=str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_production_needs_what_links_in_mails_depend_on() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({"SHOPBELL_ENV": "production"})
    assert "SECRET_KEY must be set in production" in str(raised.value)
    assert "PUBLIC_URL must be set in production" in str(raised.value)


def test_production_refuses_to_be_killed_for_a_test() -> None:
    shop = {"SHOPBELL_ENV": "production", "PUBLIC_URL": "https://bell.shop.example"}
    assert "SHOPBELL_CRASH_AT is for tests only" in problems(**shop, SHOPBELL_CRASH_AT="after-dot")


@pytest.mark.parametrize(
    ("name", "value"),
    [("SHOPBELL_CLOCK", "600,1795510800000,1795341600000"), ("SHOPBELL_STAND_IN", "http://[::1]:4000")],
)
def test_a_simulated_shop_is_none_of_productions_business(name: str, value: str) -> None:
    shop = {"SHOPBELL_ENV": "production", "PUBLIC_URL": "https://bell.shop.example"}
    assert f"{name} is for tests only" in problems(**shop, **{name: value})
    read(**{name: value})


@pytest.mark.parametrize("clock", ["600", "0,1,1", "fast,1,1", "600,1,1,1", "1000000,1,1"])
def test_a_clock_that_cannot_be_read_is_told(clock: str) -> None:
    assert "SHOPBELL_CLOCK must be a speed" in problems(SHOPBELL_CLOCK=clock)


@pytest.mark.parametrize("url", ["https://127.0.0.1:4000", "http://shop.example", "http://127.0.0.1/x", "127.0.0.1:1"])
def test_only_this_machine_stands_in_for_platforms(url: str) -> None:
    assert "SHOPBELL_STAND_IN must look like" in problems(SHOPBELL_STAND_IN=url)


def test_production_has_no_mailbox() -> None:
    settings = read(SHOPBELL_ENV="production", PUBLIC_URL="https://bell.shop.example/")
    assert settings.production
    assert settings.public_url == "https://bell.shop.example"
    assert not settings.mailbox
    assert settings.smtp_url is None


def test_the_mailbox_is_known_by_its_address_too() -> None:
    assert read(SMTP_URL="smtp://127.0.0.1:9025", MAILBOX_PORT="9025").mailbox
    assert not read(SMTP_URL="smtp://127.0.0.1:9025").mailbox


def test_a_key_may_be_replaced_while_links_of_the_old_one_are_out() -> None:
    assert read(SECRET_KEY=f"{SECRET}, {SECRET}").secret_key == f"{SECRET}, {SECRET}"
    assert "SECRET_KEY must be" in problems(SECRET_KEY=f"{SECRET},short")
    assert "SECRET_KEY must be" in problems(SECRET_KEY=f"{SECRET},")


def test_with_a_mail_server_of_ones_own_mail_really_goes_there() -> None:
    settings = read(SMTP_URL="smtps://shop:pass@mail.example:465")
    assert settings.smtp_url == "smtps://shop:pass@mail.example:465"
    assert not settings.mailbox


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgres://u:p@db/shop", "postgresql+psycopg://u:p@db/shop"),
        ("postgresql://u:p@db/shop?sslmode=require", "postgresql+psycopg://u:p@db/shop?sslmode=require"),
        ("postgresql+psycopg://db/shop", "postgresql+psycopg://db/shop"),
        ("sqlite:////var/lib/shopbell.db", "sqlite:////var/lib/shopbell.db"),
    ],
)
def test_databases_are_named_the_way_people_name_them(given: str, taken: str) -> None:
    assert read(DATABASE_URL=given).database_url == taken


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:6379/0",
        "redis://127.0.0.1",
        "redis://127.9.9.9:6379",
        "redis://[::1]:6379/0",
        "rediss://:s3cret@redis.example:6379/1",
        "redis://user:s3cret@10.0.0.4",
        "unix:///run/redis.sock",
    ],
)
def test_a_redis_with_a_password_or_on_this_machine_is_taken(url: str) -> None:
    settings = read(REDIS_URL=url)
    assert settings.redis_url == url
    assert not settings.redis_embedded


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example:6379/0",
        "redis://10.0.0.4",
        "redis://user@10.0.0.4",
        "redis://:@10.0.0.4",
        "rediss://redis.example",
        "redis://0.0.0.0",
        "redis://localhost.shop.example",
        "redis://[::ffff:10.0.0.4]:6379",
    ],
)
def test_a_redis_that_anybody_may_reach_is_refused(url: str) -> None:
    assert "without a password" in problems(REDIS_URL=url)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = problems(PORT="eighty", WORKERS="0", DURABILITY="high", DATABASE_URL="mysql://h/d", REDIS_URL="http://h")
    for sentence in (
        "PORT must be a whole number from 1 to 65535, not 'eighty'.",
        "WORKERS must be a whole number from 1 to 64, not '0'.",
        "DURABILITY must be full or relaxed, not 'high'.",
        "DATABASE_URL must start with sqlite:///",
        "REDIS_URL must look like",
    ):
        assert sentence in told


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8080.0", "٨٠٨٠", "9" * 5000])
def test_a_port_is_a_port(port: str) -> None:
    assert "PORT must be a whole number" in problems(PORT=port)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "http://mail.example"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example:port"),
        ("PUBLIC_URL", "bell.shop.example"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("PUBLIC_URL", "https://bell.shop.example/?x=1"),
        ("REDIS_URL", "redis://[::1"),
        ("SECRET_KEY", "short"),
        ("SHOPBELL_ENV", "staging"),
    ],
)
def test_a_wrong_value_is_told_with_its_name(name: str, value: str) -> None:
    assert name in problems(**{name: value})


def test_no_message_and_no_repr_repeats_a_password() -> None:
    canary = "canary-4711-canary-4711-canary-4711"
    told = problems(
        REDIS_URL=f"http://:{canary}@redis.example",
        DATABASE_URL=f"mysql://u:{canary}@db.example/d",
        SMTP_URL=f"smtp://u:{canary}@mail.example:port",
    )
    settings = read(
        REDIS_URL=f"redis://:{canary}@redis.example",
        DATABASE_URL=f"postgresql://u:{canary}@db.example/d",
        SMTP_URL=f"smtp://u:{canary}@mail.example",
        SECRET_KEY=canary,
    )
    assert canary not in told
    assert canary not in repr(settings)
    assert canary in str(asdict(settings))


def test_a_server_on_all_addresses_is_reached_on_this_machine() -> None:
    assert read(HOST="0.0.0.0", PORT="9000").public_url == "http://127.0.0.1:9000"
    assert read(HOST="::1").public_url == "http://[::1]:8080"


def test_the_embedded_valkey_listens_where_a_socket_can_be(tmp_path: Path) -> None:
    assert valkey_socket(Path("/data")) == Path("/data/valkey/valkey.sock")
    deep = tmp_path / ("deep" * 40)
    assert len(str(valkey_socket(deep))) <= LONGEST_SOCKET_PATH
    assert valkey_socket(deep) != valkey_socket(deep / "other")
    assert "%20" in read(DATA_DIR="/my data").redis_url
