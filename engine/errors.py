"""Everything that can go wrong, as one tree.

::

    ShopbellError                 a plain sentence for the person who must act; ``permanent`` for the machine
    ├── SettingsError             the environment asks for something impossible (operator)
    ├── RuleFileError             a rule file that cannot be used, with every problem in it (marketer)
    ├── RequestError              a door's answer other than 2xx (whoever called)
    │   ├── MalformedJson         400
    │   ├── UnknownKey            401
    │   ├── BadSignature          401
    │   ├── OriginNotAllowed      403
    │   ├── NotFound              404
    │   ├── BodyTooLarge          413
    │   ├── WrongMediaType        415
    │   ├── Unkeepable            422: the database will never keep it
    │   ├── TooManyRequests       429, with Retry-After
    │   └── Unavailable           503, with Retry-After: the database cannot keep it now
    ├── InvalidEvent              one event of a batch that cannot be understood; its neighbours are kept
    ├── MoneyError                an amount that is no amount of its currency
    ├── LinkError                 a signed link that is forged, spoilt or expired (shopper)
    ├── HookError                 a delivery of a shop's platform, rightly signed, that is not taken in
    │   ├── UnknownTopic          about something that nobody here asked for; acknowledged and counted
    │   └── Unreadable            its body says nothing that can be understood; put into quarantine
    ├── InvalidMoment             a moment that is none, or is still to come (whoever asked why)
    ├── CallError                 a call to another system did not work
    ├── Throttled                 another system wants to be left alone for a while
    ├── StoreError                the database is away, locked or full
    └── DeliveryError             a message did not leave
        ├── DeliveryRefused       the other side said no for ever (``permanent``)
        ├── DeliveryDelayed       the other side said not now
        └── DeliveryUncertain     nobody can know whether it left; never repeated silently
"""

from __future__ import annotations

from engine.said import Said


class ShopbellError(Exception):
    """Root of the tree.

    ``str(error)`` is one plain sentence. ``permanent`` says that trying the same thing again cannot help.
    """

    permanent = True

    def __init__(self, message: str, *, permanent: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        if permanent is not None:
            self.permanent = permanent


class SettingsError(ShopbellError):
    """An environment variable or a file that the operator must mend before Shopbell can start."""


class RuleFileError(ShopbellError):
    """A rule file with problems; ``problems`` holds a line for each, ready to print."""

    message: Said

    def __init__(self, message: Said, problems: tuple[Said, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class RequestError(ShopbellError):
    """An HTTP answer that is not a success: ``status``, a short ``code`` and, where it helps, ``retry_after_s``."""

    status = 400
    code = "bad_request"
    retry_after_s: int | None = None

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message, permanent=self.status not in (429, 503))
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s


class MalformedJson(RequestError):
    status, code = 400, "malformed_json"


class UnknownKey(RequestError):
    status, code = 401, "unknown_key"


class BadSignature(RequestError):
    status, code = 401, "bad_signature"


class OriginNotAllowed(RequestError):
    status, code = 403, "origin_not_allowed"


class NotFound(RequestError):
    status, code = 404, "not_found"


class BodyTooLarge(RequestError):
    status, code = 413, "body_too_large"


class WrongMediaType(RequestError):
    status, code = 415, "wrong_media_type"


class Unkeepable(RequestError):
    status, code = 422, "unkeepable"


class TooManyRequests(RequestError):
    status, code, retry_after_s = 429, "too_many_requests", 1


class Unavailable(RequestError):
    status, code, retry_after_s = 503, "unavailable", 2


class InvalidEvent(ShopbellError):
    """One event that cannot be understood. ``field`` is a dotted path such as ``cart.total``, or None for the whole."""

    def __init__(self, message: str, *, code: str = "invalid_field", field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class MoneyError(ShopbellError):
    """An amount that is not a finite amount of its currency."""


class LinkError(ShopbellError):
    """A signed link that cannot be honoured. ``expired`` tells an old link from a forged one."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


class HookError(ShopbellError):
    """A delivery whose sender is known, and that is not taken in."""


class UnknownTopic(HookError):
    """It is about something that nobody here asked for."""


class Unreadable(HookError):
    """Its body is not what its topic promises. The message quotes nothing from it."""


class InvalidMoment(ShopbellError):
    """What was asked about is no moment, or none of the past."""

    message: Said

    def __init__(self, message: Said) -> None:
        super().__init__(message)


class StoreError(ShopbellError):
    """The database did not do what was asked; nothing of it was kept.

    ``away`` says that the database itself cannot be used now, whatever is asked of it; ``permanent``, that it is this
    very thing which no database would keep.
    """

    permanent = False

    def __init__(self, message: str, *, away: bool = False, permanent: bool = False) -> None:
        super().__init__(message, permanent=permanent)
        self.away = away


class DeliveryError(ShopbellError):
    """A message did not leave, or nobody can know."""


class DeliveryRefused(DeliveryError):
    """Refused for ever. ``bad_address`` says that the address itself is dead (a hard bounce)."""

    def __init__(self, message: str, *, bad_address: bool = False) -> None:
        super().__init__(message)
        self.bad_address = bad_address


class DeliveryDelayed(DeliveryError):
    """Refused for now; trying again later is right."""

    permanent = False


class DeliveryUncertain(DeliveryError):
    """The last byte may or may not have been taken; only evidence may settle it."""

    permanent = False


class CallError(ShopbellError):
    """A call to another system did not work. ``refused``: it never will; ``uncertain``: it may have been taken."""

    def __init__(self, message: str, *, refused: bool = False, uncertain: bool = False) -> None:
        super().__init__(message)
        self.refused = refused
        self.uncertain = uncertain


class Throttled(ShopbellError):
    """Another system wants to be left alone for ``wait_ms``; nothing is wrong."""

    permanent = False

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"it wants to be left alone for {wait_ms} ms")
        self.wait_ms = wait_ms
