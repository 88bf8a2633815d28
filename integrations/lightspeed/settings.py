"""What a shop tells of its Lightspeed."""

from __future__ import annotations

from typing import Annotated

from engine.integration import Settings, secret, setting

_USUAL_NAME = "env:LIGHTSPEED_APP_SECRET"


class LightspeedSettings(Settings, frozen=True):
    app_secret: Annotated[str, secret("the app's secret, which signs every webhook")] = _USUAL_NAME
    previous_secret: Annotated[str, secret("the app's secret that is being replaced")] = ""
    address_key: Annotated[str, secret("what the webhooks' address must carry as key=…, so that nobody guesses it")] = (
        ""
    )
    shop_id: Annotated[
        str, setting("the shop's number at Lightspeed; deliveries of others are refused", pattern=r"\d+")
    ] = ""
    api_key: Annotated[str, secret("the key for the API; without it webhooks are believed, and nothing is asked")] = ""
    api_secret: Annotated[str, secret("the secret of a key that was made in the shop's own back office")] = ""
    shop_token: Annotated[
        str,
        secret("the token that an installed app was given for this shop; then api_key is the app's, without secret"),
    ] = ""
    cluster: Annotated[str, setting("where the shop is hosted: eu1 or us1", pattern="eu1|us1")] = "eu1"
    language: Annotated[str, setting("in which of the shop's languages the API answers", pattern="[a-z]{2,3}")] = "nl"
    script_key: Annotated[
        str,
        setting("the shop's public key: with it the storefront script is put on its pages", pattern="pk_[A-Za-z0-9_]+"),
    ] = ""
    recovery_url: Annotated[
        str,
        setting(
            "where the shop opens a cart by its recoveryHash, with {hash} for it; unverified, so try yours first",
            pattern=r"https://[^\s{}]+\{hash\}[^\s{}]*",
        ),
    ] = ""
    cart_consent: Annotated[
        bool,
        setting(
            "whether a cart's allowNotifications is leave to mail whoever left it; unverified, so ask yourself first "
            "what shoppers tick there"
        ),
    ] = False
    delivery_id_header: Annotated[
        str,
        setting(
            "the header that tells a delivery's id, should your shop send one: none is documented", pattern="[a-z0-9-]+"
        ),
    ] = ""

    @property
    def asks(self) -> bool:
        """Whether there is an API to ask."""
        return bool(self.api_key and (self.api_secret or self.shop_token))
