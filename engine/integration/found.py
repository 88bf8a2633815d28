"""Which integrations there are, found by their files; nothing has to be entered anywhere."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from engine.errors import SettingsError
from engine.integration.base import Integration, MailSender
from engine.integration.settings import Environment, options_of, settings_from
from engine.rules.shop import Integration as Stated
from engine.rules.shop import Known, KnownIntegrations

AnyIntegration = Integration[Any]


def names() -> list[str]:
    """The integrations that are there, by file name."""
    import integrations

    return sorted(module.name for module in pkgutil.iter_modules(integrations.__path__))


@cache
def find(name: str) -> type[AnyIntegration]:
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


def create(name: str, stated: Mapping[str, str], environment: Environment) -> AnyIntegration:
    """The integration ready for use: settings as the rule file has them, ``env:NAME`` read from ``environment``."""
    kind = find(name)
    return kind(settings_from(kind.settings_type, name, stated, environment))


@cache
def known() -> KnownIntegrations:
    """What a rule file may say of each integration."""
    kinds = {name: find(name) for name in names()}
    return {
        name: Known(options_of(kind.settings_type), issubclass(kind, MailSender), kind.tells_free_shipping)
        for name, kind in kinds.items()
    }


def mail_carrier(stated: Iterable[Stated]) -> Stated:
    """Through which integration a shop's mail goes: the first it names that carries mail, or the usual one."""
    named = next((entry for entry in stated if issubclass(find(entry.name), MailSender)), None)
    return named or Stated(_usual_carrier())


@cache
def _usual_carrier() -> str:
    kinds = ((name, find(name)) for name in names())
    return next(name for name, kind in kinds if issubclass(kind, MailSender) and kind.used_unnamed)
