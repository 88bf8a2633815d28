"""What the environment may say, read once at the start of a process.

Everything has a default that works on one machine with nothing installed. Whatever is wrong is told in one go, in plain
sentences, before anything starts; no message repeats a password.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit
from zlib import crc32

from engine.clock import DAY, VARIABLE, Pace
from engine.errors import SettingsError

SECRET_KEY_LENGTH: Final = 32
MAILBOX_PORT: Final = 8025
# A socket's address holds 108 bytes on Linux and 104 on macOS, see unix(7).
LONGEST_SOCKET_PATH: Final = 100

_DATABASES: Final = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One process's settings. Paths are absolute, addresses are complete URLs."""

    host: str
    port: int
    public_url: str
    """Where shoppers reach this Shopbell; the start of every link in a mail, without a slash at the end."""
    data_dir: Path
    rules: Path
    """A rule file, or a folder with one file a shop."""
    database_url: str = field(repr=False)
    """As SQLAlchemy takes it."""
    redis_url: str = field(repr=False)
    """As redis-py takes it; the embedded Valkey's address when nothing else was asked for."""
    redis_embedded: bool
    """True when ``shopbell up`` must start the Valkey that ``redis_url`` names."""
    smtp_url: str | None = field(repr=False)
    """``smtp[s]://[user:password@]host[:port]``; None only in production without SMTP_URL: then no mail can leave."""
    mailbox: bool
    """True when ``smtp_url`` is the development mailbox, whose pages may then be shown."""
    mailbox_port: int
    secret_key: str = field(repr=False)
    """Signs links and sessions; at least 32 characters, or ``new,old`` while one replaces the other."""
    durability: str
    """``full`` (an answered event survives a power cut) or ``relaxed`` (it survives everything but that)."""
    environment: str
    """``development`` or ``production``."""
    workers: int
    """How many worker processes ``shopbell up`` starts."""
    web_processes: int
    """How many processes answer HTTP on the one port; one is right until a processor is full."""
    web_threads: int
    """How many requests one web process works on at once; most wait for a shared commit, or for a slow client."""
    forget_after_ms: int
    """After how long without a sign of life a visitor and its events are deleted."""
    keep_results_ms: int
    """How long what was decided about somebody who was forgotten is kept, with its outcome and the proof of consent."""
    keep_unread_ms: int
    """How long a webhook that could not be read is kept, with whatever it says about a shopper."""
    visitor_rate: int
    """Requests a second that one visitor may send for long; six seconds' worth at once. 0: no limit."""
    address_rate: int
    """The same for one network address, whatever visitors it names. 0: no limit."""
    trusted_proxies: int
    """How many proxies in front of us may be believed about the shopper's address."""
    stand_in: str
    """In a simulated shop: what is asked instead of any platform, ``http://127.0.0.1:port``; else empty."""

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def hooks_url(self) -> str:
        """Where platforms deliver to, as ``public_url``; "" where none would: they want https, and a simulated one is
        on this machine."""
        return self.public_url if self.stand_in or self.public_url.startswith("https://") else ""

    @property
    def mailbox_dir(self) -> Path:
        return self.data_dir / "mailbox"

    @property
    def valkey_dir(self) -> Path:
        return self.data_dir / "valkey"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; in development this makes DATA_DIR and its secret key.

        Raises :class:`SettingsError` with a sentence for each thing that is wrong.
        """
        read = _Reader(environ)
        environment = read.choice("SHOPBELL_ENV", "development", "production")
        production = environment == "production"
        host, port = read.text("HOST", "127.0.0.1"), read.number("PORT", 8080, 1, 65535)
        data_dir = Path(read.text("DATA_DIR", "data")).expanduser().resolve()
        mailbox_port = read.number("MAILBOX_PORT", MAILBOX_PORT, 1, 65535)
        mailbox_url = None if production else f"smtp://127.0.0.1:{mailbox_port}"
        smtp_url = read.smtp_url() or mailbox_url
        settings = cls(
            host=host,
            port=port,
            public_url=read.public_url(host, port, needed=production),
            data_dir=data_dir,
            rules=Path(read.text("RULES", "rules.yaml")).expanduser().resolve(),
            database_url=read.database_url(data_dir),
            redis_url=read.redis_url() or f"unix://{quote(str(valkey_socket(data_dir)))}",
            redis_embedded=not read.text("REDIS_URL"),
            smtp_url=smtp_url,
            mailbox=smtp_url is not None and smtp_url == mailbox_url,
            mailbox_port=mailbox_port,
            secret_key=read.secret_key(needed=production),
            durability=read.choice("DURABILITY", "full", "relaxed"),
            environment=environment,
            workers=read.number("WORKERS", 2, 1, 64),
            web_processes=read.number("WEB_PROCESSES", 1, 1, 64),
            web_threads=read.number("WEB_THREADS", 32, 1, 4096),
            forget_after_ms=read.number("FORGET_AFTER_DAYS", 90, 1, 3650) * DAY,
            keep_results_ms=read.number("KEEP_RESULTS_DAYS", 400, 1, 3650) * DAY,
            keep_unread_ms=read.number("KEEP_UNREAD_DAYS", 30, 1, 365) * DAY,
            visitor_rate=read.number("VISITOR_RATE", 10, 0, 100_000),
            address_rate=read.number("ADDRESS_RATE", 0, 0, 1_000_000),
            trusted_proxies=read.number("TRUSTED_PROXIES", 0, 0, 10),
            stand_in=read.stand_in(),
        )
        read.refuse_what_is_for_tests(production)
        read.check_the_clock()
        read.raise_problems()
        return settings if settings.secret_key else _with_development_key(settings)


def valkey_socket(data_dir: Path) -> Path:
    """Where the embedded Valkey of this data folder listens: a socket only its owner may open."""
    socket = data_dir / "valkey" / "valkey.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    owner_and_folder = f"{os.getuid()}-{crc32(os.fsencode(data_dir)):08x}"
    return Path(gettempdir()) / f"shopbell-{owner_and_folder}" / "valkey.sock"


class _Reader:
    """Reads variables and remembers what is wrong, so that one start tells everything. Empty counts as absent."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def raise_problems(self) -> None:
        if self._problems:
            raise SettingsError(" ".join(self._problems))

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name, "").strip() or default

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default))
        if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most:
            return int(text)
        self._problems.append(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
        return default

    def choice(self, name: str, *allowed: str) -> str:
        """The first of ``allowed`` is the default."""
        text = self.text(name, allowed[0])
        if text not in allowed:
            self._problems.append(f"{name} must be {' or '.join(allowed)}, not {text!r}.")
        return text

    def public_url(self, host: str, port: int, *, needed: bool) -> str:
        text = self.text("PUBLIC_URL").rstrip("/")
        if not text:
            if needed:
                self._problems.append("PUBLIC_URL must be set in production: every link in a mail starts with it.")
            return f"http://{_reachable(host)}:{port}"
        url = self._url("PUBLIC_URL", text)
        if url and (url.scheme not in ("http", "https") or url.query or url.fragment or url.username):
            self._problems.append("PUBLIC_URL must look like https://bell.shop.example.")
        return text

    def database_url(self, data_dir: Path) -> str:
        text = self.text("DATABASE_URL")
        if not text:
            return f"sqlite:///{data_dir / 'shopbell.db'}"
        scheme, separator, rest = text.partition("://")
        if not separator or scheme not in _DATABASES:
            self._problems.append(
                "DATABASE_URL must start with sqlite:/// and a path, or look like postgresql://user:password@host/name."
            )
        return f"{_DATABASES.get(scheme, scheme)}://{rest}"

    def redis_url(self) -> str:
        text = self.text("REDIS_URL")
        url = self._url("REDIS_URL", text) if text else None
        if url is None:
            return text
        if url.scheme not in ("redis", "rediss", "unix"):
            self._problems.append("REDIS_URL must look like redis://:password@host:6379/0 or unix:///path/to/socket.")
        elif url.scheme != "unix" and not url.password and not _is_loopback(url.hostname or "localhost"):
            self._problems.append(
                f"REDIS_URL names the Redis on {url.hostname} without a password, and whoever reaches such a Redis can "
                "make Shopbell run things; give it a password and write redis://:password@host:port/0."
            )
        return text

    def smtp_url(self) -> str:
        text = self.text("SMTP_URL")
        url = self._url("SMTP_URL", text) if text else None
        if url and (url.scheme not in ("smtp", "smtps") or not url.hostname):
            self._problems.append("SMTP_URL must look like smtp://user:password@mail.example:587, or smtps://.")
        return text

    def secret_key(self, *, needed: bool) -> str:
        text = self.text("SECRET_KEY")
        if text and min(len(key.strip()) for key in text.split(",")) < SECRET_KEY_LENGTH:
            self._problems.append(
                f"SECRET_KEY must be at least {SECRET_KEY_LENGTH} characters, or two such keys with a comma between."
            )
        if needed and not text:
            self._problems.append(
                "SECRET_KEY must be set in production, the same for every process: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one."
            )
        return text

    def stand_in(self) -> str:
        text = self.text("SHOPBELL_STAND_IN")
        url = self._url("SHOPBELL_STAND_IN", text) if text else None
        if url and (url.scheme != "http" or not _is_loopback(url.hostname or "") or url.path.strip("/")):
            self._problems.append("SHOPBELL_STAND_IN must look like http://127.0.0.1:4000, an address of this machine.")
        return text

    def check_the_clock(self) -> None:
        text = self.text(VARIABLE)
        try:
            _ = Pace.read(text) if text else None
        except ValueError:
            self._problems.append(f"{VARIABLE} must be a speed and two moments in milliseconds, with commas between.")

    def refuse_what_is_for_tests(self, production: bool) -> None:
        """What makes a process kill itself, or live in another time or world, has no place where shoppers are."""
        for name in ("SHOPBELL_CRASH_AT", VARIABLE, "SHOPBELL_STAND_IN"):
            if production and self.text(name):
                self._problems.append(f"{name} is for tests only and must not be set in production.")

    def _url(self, name: str, text: str) -> SplitResult | None:
        try:
            url = urlsplit(text)
            _ = url.port  # urllib looks at the port only when asked
        except ValueError:
            self._problems.append(f"{name} is not an address that can be read.")
            return None
        return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """The address a browser can open for a server that listens on ``host``."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _with_development_key(settings: Settings) -> Settings:
    try:
        return replace(settings, secret_key=_kept_key(settings.data_dir))
    except OSError as error:
        raise SettingsError(f"DATA_DIR {settings.data_dir} cannot be used: {error.strerror}.") from error


def _kept_key(data_dir: Path) -> str:
    """The key in this folder, made by whichever process comes first."""
    path = data_dir / "secret_key"
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = data_dir / f".secret_key-{secrets.token_hex(8)}"
        draft.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        try:
            draft.write_text(secrets.token_urlsafe(SECRET_KEY_LENGTH))
            # A link appears complete or not at all, and never replaces the key another process has just made.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = path.read_text().strip()
    if len(key) < SECRET_KEY_LENGTH:
        raise SettingsError(f"{path} holds no key of {SECRET_KEY_LENGTH} characters; remove it and a new one is made.")
    return key
