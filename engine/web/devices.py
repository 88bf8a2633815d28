"""What kind of device a browser runs on, by what it says of itself in its headers (as WSGI passes them)."""

from __future__ import annotations

from collections.abc import Mapping


def device_of(environ: Mapping[str, object]) -> str:
    """``mobile``, ``tablet`` or ``desktop``; "" when nothing was said.

    The client hint is asked first: it says phone or not, and leaves tablets and desktops to the User-Agent. An iPad
    that calls itself a Mac counts as a desktop; nothing in its headers tells.
    """
    agent = str(environ.get("HTTP_USER_AGENT", ""))[:1_000].casefold()
    if environ.get("HTTP_SEC_CH_UA_MOBILE") == "?1":
        return "mobile"
    if not agent:
        return ""
    if "ipad" in agent or "tablet" in agent or ("android" in agent and "mobi" not in agent):
        return "tablet"
    return "mobile" if "mobi" in agent else "desktop"
