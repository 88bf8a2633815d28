"""What a file in ``integrations/`` provides.

An integration is one module (or package) whose name is its word in ``rules.yaml`` and in webhook addresses. It defines
one subclass of :class:`Integration`; nothing else has to be edited. Whatever it does not speak it leaves out.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol

from engine.errors import SettingsError
from engine.messages import OutgoingMail

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Setting:
    """One setting under ``integrations: <name>:``. A ``secret`` may only stand there as ``env:NAME``."""

    name: str
    help: str
    secret: bool = False
    required: bool = True


class Fence(Protocol):
    """Called after everything but the last byte is out.

    Commits the intent and answers whether this attempt still owns the delivery. False means: send nothing more.
    """

    def __call__(self) -> bool: ...


class Integration:
    """Base of all integrations.

    ``settings`` declares what it needs; the instance gets the values with ``env:`` names resolved.
    """

    title: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]] = ()

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values


class MailSender(Integration, ABC):
    """An integration that carries mail."""

    @abstractmethod
    def send(self, mail: OutgoingMail, fence: Fence) -> str:
        """Hand the mail over; returns the relay's answer.

        ``fence`` is called directly before the last byte. Raises DeliveryRefused, DeliveryDelayed (nothing left) or
        DeliveryUncertain (the last byte may have been taken).
        """


def names() -> list[str]:
    """The integrations that are there, by file name."""
    import integrations

    return sorted(module.name for module in pkgutil.iter_modules(integrations.__path__))


@cache
def find(name: str) -> type[Integration]:
    """The Integration class in ``integrations/<name>``. Raises SettingsError when there is none."""
    if name not in names():
        raise SettingsError(f"there is no integration called '{name}'; there are: {', '.join(names())}")
    module = importlib.import_module(f"integrations.{name}")
    found = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Integration) and item.__module__.startswith(module.__name__)
    ]
    if len(found) != 1:
        raise SettingsError(f"integrations/{name} must define exactly one Integration, it defines {len(found)}")
    return found[0]


def create(name: str, values: Mapping[str, str], environment: Environment) -> Integration:
    """The integration ready for use, with ``env:NAME`` values read from ``environment``."""
    kind = find(name)
    resolved = {key: _resolve(name, key, value, environment) for key, value in values.items()}
    missing = [setting.name for setting in kind.settings if setting.required and not resolved.get(setting.name)]
    if missing:
        raise SettingsError(f"integration {name} needs {', '.join(missing)}")
    return kind(resolved)


def _resolve(integration: str, key: str, value: str, environment: Environment) -> str:
    if not value.startswith("env:"):
        return value
    found = environment.get(value.removeprefix("env:"), "")
    if not found:
        raise SettingsError(f"integration {integration}: {key} names {value}, which is not set")
    return found


MakeIntegration = Callable[[str, Mapping[str, str]], Integration]
