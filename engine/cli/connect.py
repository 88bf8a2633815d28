"""``shopbell connect``: a shop's platform sends its webhooks here, all of them and the right ones."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from engine.cli import FINE, NO
from engine.cli._shops import opened_shops

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.connect import Step
    from engine.pipeline import ShopRules
    from engine.settings import Settings

PATIENCE_MS = 60_000
"""How long a platform may ask to be left alone before whoever sits at the terminal is told so instead."""


@click.command()
@click.argument("integration", required=False)
@click.option("--shop", help="Of this shop only.")
@click.option("--look", is_flag=True, help="Change nothing; say how things stand and what would be done.")
def command(integration: str | None, shop: str | None, look: bool) -> int:
    """Register our webhooks with shops' platforms: those that are missing, changed or switched off.

    INTEGRATION is one of them, such as shopify. Exit code 1: something is not as it should be (with --look), or could
    not be made so.
    """
    with opened_shops(shop) as (settings, engine, shops):
        house = _House(settings, engine, change=not look)
        fine = [house.connects(rules, name) for rules, name in _platforms(shops, integration)]
    if not fine:
        click.echo(_why_nothing(integration), err=True)
    return FINE if fine and all(fine) else NO


def _why_nothing(name: str | None) -> str:
    """Why there was nothing to register. Raises SettingsError where there is no such integration."""
    from engine.integration import Subscriber, find

    if name is None:
        return "No shop here has a platform that webhooks can be registered with."
    if issubclass(find(name), Subscriber):
        return f"No shop's rule file names {name} under integrations."
    return f"With {name} no webhook can be registered from here; docs/integrations/{name}.md says how it is connected."


def _platforms(shops: list[ShopRules], only: str | None) -> Iterator[tuple[ShopRules, str]]:
    from engine.integration import Subscriber, find

    for rules in shops:
        named = (entry.name for entry in rules.rules.shop.integrations if only in (None, entry.name))
        yield from ((rules, name) for name in named if issubclass(find(name), Subscriber))


class _House:
    """Where platforms deliver to; without ``change`` it only looks."""

    def __init__(self, settings: Settings, engine: Engine, *, change: bool) -> None:
        self._settings, self._engine, self._change = settings, engine, change

    def connects(self, rules: ShopRules, name: str) -> bool:
        """Whether everything stands now; each webhook is told of."""
        from engine.connect import Became, address_of
        from engine.errors import CallError, Throttled, Unreadable

        address = address_of(self._settings.hooks_url, name, rules.id)
        if not address:
            told = f"PUBLIC_URL must be an https address that the platform can reach; it is {self._settings.public_url}"
            raise click.UsageError(told)
        click.echo(f"{rules.id} {name}: {address}")
        try:
            steps = self._steps(rules, name, address)
        except (CallError, Throttled, Unreadable) as error:
            click.echo(f"  {error.message}", err=True)
            return False
        for step in steps:
            click.echo(f"  {step.topic}: {step.became.value}{f' ({step.detail})' if step.detail else ''}")
        if not steps:
            click.echo("  nothing is registered with these settings; docs/integrations says what it takes", err=True)
        good = {Became.STANDS} | ({Became.MADE, Became.MENDED, Became.REMOVED} if self._change else set())
        return bool(steps) and all(step.became in good for step in steps)

    def _steps(self, rules: ShopRules, name: str, address: str) -> tuple[Step, ...]:
        from engine import integration
        from engine.connect import connect
        from engine.errors import Throttled
        from engine.http import caller
        from engine.meter import metered

        stated = next(entry for entry in rules.rules.shop.integrations if entry.name == name)
        subscriber = integration.create(name, stated.settings, os.environ)
        assert isinstance(subscriber, integration.Subscriber)
        call = metered(self._engine, subscriber, name, integration.WEBHOOKS, caller(self._settings.stand_in).ask)
        while True:
            try:
                return connect(subscriber, address, call, change=self._change)
            except Throttled as throttled:
                if throttled.wait_ms > PATIENCE_MS:
                    raise
                threading.Event().wait(throttled.wait_ms / 1_000)
