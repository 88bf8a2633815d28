"""The ``integrations`` section: which outside services a shop uses, and what each is told.

What settings a service takes is the service's own to say (see :mod:`engine.integration`); here it is only held against
what the file says. What is secret stands in the file as ``env:NAME`` and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.rules.fields import Fault, Kind, Reading, Schema, must_be, text_of
from engine.rules.shop import Integration, Known, KnownIntegrations, Option
from engine.rules.source import Mapping, Node, Scalar
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import Said, frame, noted, say

_SECRET_NAME = re.compile(r"secret|passw|token|api_?key|private|credential", re.IGNORECASE)
_WITH_PASSWORD = re.compile(r"\A[a-z+]+://[^/\s]*:[^/\s]*@", re.IGNORECASE)
_ENV = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Integrations(Kind[tuple[Integration, ...]]):
    """Which outside services the shop uses, with their settings."""

    what: Said = say("integrations with their settings, such as smtp: {url: env:SMTP_URL}")

    def read(self, node: Node, reading: Reading) -> tuple[Integration, ...]:
        if not isinstance(node, Mapping):
            raise must_be(node, self.what)
        found = [reading.attempt(_entry, key, value, reading) for key, value in node.pairs]
        return tuple(entry for entry in found if entry is not None)

    def schema(self, known: KnownIntegrations | None = None) -> Schema:
        """With ``known``, each service's own settings; else any."""
        if known is None:
            return {"type": "object", "additionalProperties": _ANY_SETTINGS}
        services = {name: _settings_schema(service) for name, service in sorted(known.items())}
        return {"type": "object", "properties": services, "additionalProperties": False}


_VALUE: Schema = {"type": ["string", "number", "boolean"]}
_NAMED: Schema = {"type": "string", "pattern": "^env:"}
_ANY_SETTINGS: Schema = {"type": ["object", "null"], "additionalProperties": _VALUE}


def _settings_schema(service: Known) -> Schema:
    properties = {
        option.name: {"description": option.help} | (_NAMED if option.secret else _VALUE) for option in service.options
    }
    required = [option.name for option in service.options if option.required]
    kind: Schema = {"type": "object" if required else ["object", "null"]}
    kind |= {"properties": properties, "additionalProperties": False}
    return kind | ({"required": required} if required else {})


def _entry(key: Scalar, value: Node, reading: Reading) -> Integration:
    service = None if reading.integrations is None else reading.integrations.get(key.text)
    if reading.integrations is not None and service is None:
        near = did_you_mean(key.text, reading.integrations)
        raise Fault(key, say("there is no integration called '%(text)s'%(hint)s", text=shorten(key.text), hint=near))
    if isinstance(value, Scalar) and value.empty:
        value = Mapping((), value.line, value.column)
    if not isinstance(value, Mapping):
        raise must_be(value, say("settings such as {url: env:SMTP_URL}"))
    given = {name.text: reading.attempt(_setting, service, key, name, text, reading) for name, text in value.pairs}
    missing = [option for option in service.options if option.required] if service is not None else []
    for option in missing:
        if option.name not in given:
            raise Fault(
                key,
                say(
                    "%(title)s needs %(wanted)s",
                    title=key.text,
                    wanted=frame("'%(name)s': %(help)s", name=option.name, help=noted(option.help)),
                ),
            )
    settings = {name: text for name, text in given.items() if text is not None}
    return Integration(key.text, settings, service is not None and service.tells_free_shipping)


def _setting(service: Known | None, integration: Scalar, key: Scalar, node: Node, reading: Reading) -> str:
    options = {} if service is None else {option.name: option for option in service.options}
    option = options.get(key.text)
    if service is not None and option is None:
        near = did_you_mean(key.text, options)
        raise Fault(
            key,
            say(
                "%(title)s has no setting '%(text)s'%(hint)s", title=integration.text, text=shorten(key.text), hint=near
            ),
        )
    text = _unveiled(option, integration, key, node, reading)
    if option is not None and not text.startswith("env:") and not option.fits(text):
        raise Fault(
            node,
            say(
                "'%(text)s' cannot be %(title)s's '%(name)s': %(help)s",
                text=shorten(text),
                title=integration.text,
                name=key.text,
                help=noted(option.help),
            ),
        )
    return text


def _unveiled(option: Option | None, integration: Scalar, key: Scalar, node: Node, reading: Reading) -> str:
    """The value, with whatever may not stand in a file refused and hidden from the message about it."""
    text = text_of(node, say("text, or env:NAME for a secret"))
    if text.startswith("env:"):
        if not _ENV.match(text):
            raise Fault(node, say("write env: and the variable's name without a space, such as env:SMTP_URL"))
        return text
    secret = option.secret if option is not None else bool(_SECRET_NAME.search(key.text))
    if secret or _WITH_PASSWORD.match(text):
        reading.source.veil(node.line)
        name = re.sub(r"[^A-Z0-9]+", "_", f"{integration.text}_{key.text}".upper()).strip("_")
        raise Fault(
            node,
            say("a secret never stands in this file; put it in the environment and write env:%(name)s here", name=name),
        )
    return text
