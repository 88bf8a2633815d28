"""What an integration is told: settings declared in its own class, read from the rule file and the environment.

A setting is a field of a struct, with its help in the annotation::

    class Told(Settings):
        client_secret: Annotated[str, secret("signs every webhook")]
        shop: Annotated[str, setting("the shop's own domain: name.myshopify.com", pattern="[a-z0-9-]+.myshopify.com")]
        retries: Annotated[int, setting("how often it is tried again", ge=0)] = 3

A field without a default must be given. A default may be ``env:NAME``, as in the file. ``msgspec.field(name="from")``
gives a setting a name that Python keeps for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, get_args

import msgspec

from engine.errors import SettingsError
from engine.rules.shop import Option

Environment = Mapping[str, str]
S = TypeVar("S", bound="Settings")
_LONGEST = 5_000


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every integration's settings; it shows no value, because some are secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


def setting(help: str, *, pattern: str | None = None, **bounds: Any) -> msgspec.Meta:  # noqa: A002, ANN401 - what a shop reads is its help
    """What a setting means, for people, and what it may be (``ge``, ``le``, a ``pattern`` that the whole text fits)."""
    whole = None if pattern is None else rf"\A(?:{pattern})\Z"
    return msgspec.Meta(description=help, pattern=whole, **bounds)


def secret(help: str) -> msgspec.Meta:  # noqa: A002 - as above
    """A setting that may stand in a file as ``env:NAME`` only, is never empty, and is never shown."""
    return msgspec.Meta(description=help, min_length=1, extra={"secret": True})


def options_of(settings: type[Settings]) -> tuple[Option, ...]:
    """The settings as a rule file and a reader must know them. Raises TypeError for one without help."""
    return tuple(map(_option, msgspec.structs.fields(settings)))


def _option(field: msgspec.structs.FieldInfo) -> Option:
    meta = next((item for item in get_args(field.type) if isinstance(item, msgspec.Meta)), None)
    if meta is None or not meta.description:
        raise TypeError(f"the setting '{field.encode_name}' must say what it means: Annotated[…, setting('…')]")
    return Option(
        name=field.encode_name,
        help=meta.description,
        secret=bool((meta.extra or {}).get("secret")),
        required=field.required,
        default="" if field.default in (msgspec.NODEFAULT, None) else str(field.default),
        fits=_fitting(field.type),
    )


def _fitting(kind: object) -> Callable[[str], bool]:
    return partial(_fits, kind)


def _fits(kind: object, text: str) -> bool:
    try:
        msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return len(text) <= _LONGEST


def settings_from(kind: type[S], name: str, stated: Mapping[str, str], environment: Environment) -> S:
    """The settings with their defaults, ``env:NAME`` replaced by what the environment holds.

    Raises SettingsError naming the setting; no message repeats a value.
    """
    options = options_of(kind)
    defaults = {option.name: option.default for option in options if option.default.startswith("env:")}
    values = {key: _resolved(name, key, value, environment) for key, value in (defaults | dict(stated)).items()}
    missing = [option.name for option in options if option.required and not values.get(option.name)]
    if missing:
        raise SettingsError(f"integration {name} needs {', '.join(missing)}")
    wrong = [option.name for option in options if option.name in values and not option.fits(values[option.name])]
    if wrong:
        raise SettingsError(f"integration {name} cannot use its {', '.join(wrong)}")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError:
        strangers = sorted(values.keys() - {option.name for option in options})
        raise SettingsError(f"integration {name} has no setting {', '.join(strangers)}") from None


def _resolved(integration: str, key: str, value: str, environment: Environment) -> str:
    if not value.startswith("env:"):
        return value
    found = environment.get(value.removeprefix("env:"), "").strip()
    if not found:
        raise SettingsError(f"integration {integration}: {key} names {value}, which is not set")
    return found
