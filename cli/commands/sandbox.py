"""`sandbox`: run or stop the gateway in the data folder of the settings."""

from pathlib import Path

from dailies.gateway.command import sandbox_app


def _own_folder() -> Path:
    from cli.service import sandbox_folder
    from dailies.settings import load_settings

    return sandbox_folder(load_settings())


def _project() -> tuple[str, str]:
    from dailies.errors import SettingsError
    from dailies.settings import load_settings

    settings = load_settings()
    if settings.supabase_url is None or settings.supabase_service_key is None:
        raise SettingsError(
            "--supabase needs SUPABASE_URL and SUPABASE_SERVICE_KEY; docs/mirror.md says where to find them"
        )
    return settings.supabase_url, settings.supabase_service_key.get_secret_value()


app = sandbox_app(_own_folder, _project)
