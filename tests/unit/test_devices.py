"""What a browser says of the device it runs on."""

from __future__ import annotations

import pytest

from engine.web.devices import device_of

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148"
IPAD = "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"
ANDROID_TABLET = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "hint", "device"),
    [
        (IPHONE, None, "mobile"),
        (ANDROID, "?1", "mobile"),
        (ANDROID, None, "mobile"),
        (ANDROID_TABLET, "?0", "tablet"),
        (IPAD, None, "tablet"),
        (WINDOWS, "?0", "desktop"),
        (WINDOWS, "?1", "mobile"),
        ("", None, ""),
        ("", "?1", "mobile"),
        ("x" * 100_000, "mobile", "desktop"),
    ],
)
def test_a_device_is_told_by_its_headers(agent: str, hint: str | None, device: str) -> None:
    environ = {"HTTP_USER_AGENT": agent} | ({} if hint is None else {"HTTP_SEC_CH_UA_MOBILE": hint})
    assert device_of(environ) == device
