"""Whose account a flow works for: the environment's key, or a block that the Prefect server keeps."""

from typing import Any

from dailies.errors import SettingsError
from dailies.settings import Settings, load_settings
from tasks.blocks import GeekHubCredentials


async def load_run_settings(**overrides: Any) -> Settings:
    """Load the settings; key and base URL come from the block that ``credentials_block`` names, if it names one.

    Raises:
        SettingsError: a setting is wrong, there is no key, or there is no such block.
    """
    settings = load_settings(**overrides)
    if settings.credentials_block is None:
        settings.require_key()
        return settings
    try:
        block: Any = await GeekHubCredentials.aload(settings.credentials_block)
    except ValueError as error:  # what Prefect raises for a name it does not know
        raise SettingsError(
            f"There is no GeekHub credentials block {settings.credentials_block!r} on this Prefect server: make it"
            f" with `dailies deploy`, or in the UI under Blocks, or unset DAILIES_CREDENTIALS_BLOCK. ({error})"
        ) from None
    return load_settings(geekhub_api_key=block.api_key, geekhub_base_url=block.base_url, **overrides)
