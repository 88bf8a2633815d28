"""Where mail goes, and how long the relay there may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from engine.errors import SettingsError

StartTls = Literal["offered", "required", "never"]

_PORTS: Final = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True)
class Deadlines:
    """Seconds each step may take, however little or much the relay says meanwhile.

    RFC 5321 section 4.5.3.2 would wait up to ten minutes; a worker that holds a delivery cannot.
    """

    connect_s: float = 10.0
    command_s: float = 30.0
    final_s: float = 60.0


@dataclass(frozen=True)
class Relay:
    """Where mail goes: ``smtp[s]://[user:password@]host[:port][?starttls=required|never]``."""

    host: str
    port: int
    tls: bool
    starttls: StartTls
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> Relay:
        """Raises SettingsError, which never repeats the password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise SettingsError("the SMTP URL's port must be a number from 1 to 65535") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise SettingsError("the SMTP URL must look like smtp://user:password@mail.example:587, or smtps://")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        # A password must not cross a network in the clear because somebody on the way hid the relay's offer.
        default: StartTls = "required" if user and not _is_this_machine(parts.hostname) else "offered"
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            starttls=_starttls(parts.query, default),
            user=user,
            password=password,
        )


def _is_this_machine(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _starttls(query: str, default: StartTls) -> StartTls:
    try:
        options = parse_qs(query, strict_parsing=True) if query else {}
    except ValueError:
        options = {"": []}
    match options:
        case {} if not options:
            return default
        case {"starttls": ["required"]}:
            return "required"
        case {"starttls": ["never"]}:
            return "never"
        case _:
            raise SettingsError("the only option of the SMTP URL is ?starttls=required or ?starttls=never")
