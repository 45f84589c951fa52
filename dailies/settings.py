"""The settings: the only reader of the environment. Build them once at the edge and pass them down.

Every setting is an environment variable with the prefix ``DAILIES_`` (GeekHub's own two carry the names of its
documentation), or a line of the same form in ``.env``. A blank one counts as not set.
"""

import os
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dailies.catalogue import load_catalogue
from dailies.env_file import ENCODING, env_faults
from dailies.errors import SettingsError
from dailies.naming import name_of, read_owners
from dailies.pricing import ANY_MONTH, Tariff
from dailies.redaction import register_secret

ENV_FILE = ".env"
LIVE_BASE_URL = "https://api.geekhub.mx/v1"
_NO_SETTINGS = {"DAILIES_FAILPOINT"}  # of the tests' own: where a process is to be killed
_KEY = re.compile(r"ghub_sk_(live|test)_[!-~]{32}")
_HEADER_VALUE = re.compile(r"[!-~]+")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")

# Six decimal places, because that is what the ledger's columns hold.
Money = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]
Fx = Annotated[Decimal, Field(ge=1, le=1000, decimal_places=6)]


class Settings(BaseSettings):
    """All settings. Bounds are part of each type; a value outside them is refused with its name."""

    model_config = SettingsConfigDict(
        env_prefix="DAILIES_",
        env_file=ENV_FILE,
        env_file_encoding=ENCODING,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    geekhub_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("GEEKHUB_API_KEY"), description="The account's key, `ghub_sk_...`."
    )
    geekhub_base_url: str = Field(
        LIVE_BASE_URL,
        validation_alias=AliasChoices("GEEKHUB_BASE_URL"),
        pattern=r"^https?://",
        description="Where the API is.",
    )
    credentials_block: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="A `GeekHub Credentials` block of the Prefect server: key and base URL of deployed flows.",
    )
    alarm_block: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*$",
        description="The Prefect notification block that alarms go to, as type/name: `slack-webhook/alarms`.",
    )
    data_dir: Path = Field(Path("data"), description="The folder of everything that a run writes.")
    ledger_dir: Path | None = Field(
        None, description="The ledger's folder; by default `ledger/live` or `ledger/sandbox` in the data folder."
    )
    default_model: str = Field("fal/kling-2", description="The model of rows that name none.")
    max_cost_mxn: Money | None = Field(None, description="What one run may cost at worst, in MXN.")
    max_month_mxn: Money | None = Field(
        None, description="What a month may cost: charged so far plus everything that is open, in MXN."
    )
    fx: Annotated[Mapping[str, Fx], NoDecode] = Field(
        default_factory=dict,
        description="GeekHub's MXN for one USD, month by month: `2026-11=18.45,2026-12=18.60`.",
    )
    fx_ceiling: Fx | None = Field(
        None,
        description="The lowest FX that worst cases use; by default the dearest of `fx` from this month on.",
    )
    fx_timezone: str = Field("America/Mexico_City", description="The time zone in which a month begins.")
    markup: Decimal = Field(
        Decimal("1.05"), ge=1, le=10, decimal_places=6, description="GeekHub's factor on the list price."
    )
    batch_size: int = Field(250, ge=1, le=1000, description="Rows in one child flow run.")
    max_attempts: int = Field(
        2, ge=1, le=10, description="Jobs to try for a row before its fallback models, when jobs fail."
    )
    in_doubt: Literal["repeat", "hold"] = Field(
        "repeat",
        description="A submit whose answer was lost is sent again with the same key, or left to a person.",
    )
    submit_rate_per_s: float = Field(10.0, gt=0, le=1000, description="New jobs a second, at most.")
    max_in_flight: int = Field(1000, ge=1, le=20_000, description="Jobs that may render at the same time.")
    max_in_flight_of: Annotated[Mapping[str, int], NoDecode] = Field(
        default_factory=dict,
        description="Narrower caps of providers or models: `fal=50,google/veo-3.1=10`.",
    )
    requests_per_s: float | None = Field(
        None, gt=0, le=10_000, description="The account's rate, submits and polls together, where it has one."
    )
    events_per_s: float = Field(
        150.0, gt=0, le=10_000, description="Prefect events a second that the server takes in (an untuned one: 50)."
    )
    time_scale: float = Field(
        1.0, gt=0, le=10, description="Factor on render times and poll intervals; the sandbox says its own."
    )
    give_up_after_s: float = Field(
        1800.0,
        gt=0,
        le=86_400,
        description="Seconds (before the time scale) after which a run leaves a job to the next run.",
    )
    request_timeout_s: float = Field(30.0, gt=0, le=600, description="Seconds to wait for one answer of the API.")
    max_failed_ratio: float = Field(
        0.5, ge=0, le=1, description="The share of failed rows above which a run counts as failed."
    )
    mirror_to: str | None = Field(
        None,
        description="Where every run copies its finished videos: a folder, or a URL of `supabase://`, `s3://`, `gs://`,"
        " `az://` or `sftp://`.",
    )
    mirror_dir: Path | None = Field(
        None, description="The folder in which every folder that is a target of the mirror must lie."
    )
    sources_dir: Path | None = Field(None, description="The folder in which every file of prompts must lie.")
    mirror_parallel: int = Field(8, ge=1, le=64, description="Videos that are copied at the same time.")
    report_thumbnails: int = Field(
        1000, ge=0, le=20_000, description="Videos of which the report at a run's end shows a picture, at most."
    )
    supabase_url: str | None = Field(
        None,
        validation_alias=AliasChoices("SUPABASE_URL"),
        pattern=r"^https?://",
        description="The Supabase project of `supabase://` targets, `https://<project>.supabase.co`.",
    )
    supabase_service_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("SUPABASE_SERVICE_KEY"),
        description="That project's service (secret) key.",
    )
    csv_bom: bool = Field(
        False, description="Whether results in CSV begin with a byte order mark, without which Excel garbles accents."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="How much the log says beside the progress."
    )

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, given: dict[str, Any]) -> dict[str, Any]:
        # Here the sources are merged already, so a blank variable also switches off a line of .env.
        return {name: value for name, value in given.items() if not (isinstance(value, str) and not value.strip())}

    @field_validator("geekhub_api_key", "supabase_service_key", mode="before")
    @classmethod
    def _strip_secret(cls, secret: Any) -> Any:
        return (secret.get_secret_value() if isinstance(secret, SecretStr) else secret or "").strip() or None

    @field_validator("supabase_service_key")
    @classmethod
    def _supabase_key_form(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not _HEADER_VALUE.fullmatch(key.get_secret_value()):
            raise ValueError("this is no Supabase key: it holds characters that no key has; copy it again")
        return key

    @field_validator("geekhub_api_key")
    @classmethod
    def _key_form(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not _KEY.fullmatch(key.get_secret_value()):
            raise ValueError(
                "this is not a GeekHub key: it must be ghub_sk_live_ or ghub_sk_test_ and 32 more characters;"
                " copy it again from GeekHub's console"
            )
        return key

    @field_validator("default_model")
    @classmethod
    def _model_exists(cls, model: str) -> str:
        if model not in load_catalogue():
            raise ValueError(f"no such model; there are {', '.join(load_catalogue())}")
        return model

    @field_validator("fx_timezone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("no such time zone; America/Mexico_City is one") from None
        return zone

    @field_validator("fx", mode="before")
    @classmethod
    def _fx_table(cls, value: Any) -> Any:
        return _parse_table(value, "2026-11=18.45") if isinstance(value, str) else value

    @field_validator("fx")
    @classmethod
    def _fx_months(cls, rates: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        for month in rates:
            if not (_MONTH.fullmatch(month) or month == ANY_MONTH):
                raise ValueError(f"{month!r} is not a month; the form is 2026-11=18.45")
        return rates

    @field_validator("max_in_flight_of", mode="before")
    @classmethod
    def _caps_table(cls, value: Any) -> Any:
        return _parse_table(value, "fal=50") if isinstance(value, str) else value

    @field_validator("max_in_flight_of")
    @classmethod
    def _caps_of_what_exists(cls, caps: Mapping[str, int]) -> Mapping[str, int]:
        known = {*load_catalogue(), *(model.provider for model in load_catalogue().values())}
        for name, jobs in caps.items():
            if name not in known:
                raise ValueError(f"{name!r} is neither a provider nor a model; there are {', '.join(sorted(known))}")
            if jobs < 1:
                raise ValueError(f"{name}: at least 1")
        return caps

    @model_validator(mode="after")
    def _live_key_is_not_sent_in_the_clear(self) -> Self:
        url = urlsplit(self.geekhub_base_url)
        if self.service == "live" and url.scheme != "https" and not _LOOPBACK.fullmatch(url.hostname or ""):
            raise ValueError(
                "GEEKHUB_BASE_URL: a live key goes only to an https:// address or to this computer; use https://"
            )
        return self

    @property
    def service(self) -> Literal["live", "sandbox"]:
        """Which service the key belongs to; without a key, the sandbox. Their ledgers never mix."""
        key = self.geekhub_api_key
        return "live" if key and key.get_secret_value().startswith("ghub_sk_live_") else "sandbox"

    @property
    def ledger_path(self) -> Path:
        """The ledger's folder."""
        return self.ledger_dir or self.data_dir / "ledger" / self.service

    def results_path(self, *sources: str) -> Path:
        """Return where the results of some sources of prompts (``a.csv``, ``book.xlsx#Night``) are written."""
        return self.data_dir / "results" / f"{name_of(sources, read_owners(self.data_dir))}.results.csv"

    def report_path(self, *sources: str) -> Path:
        """Return where the report of some sources of prompts is written: next to their results."""
        results = self.results_path(*sources)
        return results.with_name(results.name.removesuffix(".results.csv") + ".report.html")

    @property
    def source_folders(self) -> tuple[Path, ...]:
        """Where files of prompts must lie: ``sources_dir``, and what came in on standard input; anywhere if empty."""
        return (self.sources_dir, self.data_dir / "inputs") if self.sources_dir is not None else ()

    @property
    def tariff(self) -> Tariff:
        """The money settings as a tariff."""
        return Tariff(self.fx, ZoneInfo(self.fx_timezone), self.markup, self.fx_ceiling)

    def require_key(self) -> SecretStr:
        """Return the key.

        Raises:
            SettingsError: there is none; says how to set it.
        """
        if self.geekhub_api_key is None:
            raise SettingsError(
                "No GeekHub key: set GEEKHUB_API_KEY (in the environment or in .env), or for flows"
                " DAILIES_CREDENTIALS_BLOCK. Without a key only the `dailies` command runs against the sandbox; a"
                " deployment never does."
            )
        return self.geekhub_api_key


def _parse_table(text: str, form: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, figure = (piece.strip() for piece in part.partition("="))
        if not figure:
            raise ValueError(f"{part!r} is not of the form {form}")
        if name in table:
            raise ValueError(f"{name} is there twice")
        table[name] = figure
    return table


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"DAILIES_{name.upper()}"


_SECRETS_OF_PREFECT = {"PREFECT_API_AUTH_STRING", "PREFECT_API_KEY", "PREFECT_SERVER_API_AUTH_STRING"}


def environment_without_secrets(*, for_prefect: bool = False) -> dict[str, str]:
    """Return the environment for a child process that needs no secret, or only those of Prefect."""
    secret = {variable(name) for name, field in Settings.model_fields.items() if field.annotation == SecretStr | None}
    if not for_prefect:
        secret |= _SECRETS_OF_PREFECT
    return {name: value for name, value in os.environ.items() if name.upper() not in secret}


def _input_name(name: str) -> str:
    """Return the name by which pydantic takes a setting: the variable's, or the environment would win over it."""
    field = Settings.model_fields.get(name)
    return variable(name) if field and field.validation_alias else name


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and ``.env``; keyword arguments win over both.

    Raises:
        SettingsError: names each variable that is wrong and why; values are not repeated, they may be secret.
    """
    faults: list[str] = []
    try:
        known = {variable(name) for name in Settings.model_fields} | _NO_SETTINGS
        faults += env_faults(Path(ENV_FILE), os.environ, known)
        settings = Settings(**{_input_name(name): value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        faults += [_told(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False)]
        raise SettingsError("\n".join(faults)) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE}: this is not text in UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{ENV_FILE}: it cannot be read ({error.strerror}); mend or remove it") from None
    for name in Settings.model_fields:
        if isinstance(secret := getattr(settings, name), SecretStr):
            register_secret(secret.get_secret_value())
    faults += _foreign_service(settings, overrides)
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def _foreign_service(settings: Settings, overrides: Mapping[str, Any]) -> Iterator[str]:
    """Refuse to send a key to an address that only ``.env`` names: the file may be another person's."""
    url = settings.geekhub_base_url
    host, scheme = urlsplit(url).hostname or "", urlsplit(url).scheme
    is_known = (scheme, host) == ("https", urlsplit(LIVE_BASE_URL).hostname) or _LOOPBACK.fullmatch(host)
    if is_known or settings.geekhub_api_key is None or overrides.get("geekhub_base_url") is not None:
        return
    if not os.environ.get("GEEKHUB_BASE_URL", "").strip() and os.environ.get("GEEKHUB_API_KEY", "").strip():
        yield (
            f"GEEKHUB_BASE_URL: {ENV_FILE} would send the key of your environment to {host}; if that is right, set"
            f" GEEKHUB_BASE_URL={url} in the environment, too, or put the key into the same {ENV_FILE}"
        )


def _told(loc: tuple[Any, ...], message: str) -> str:
    if not loc:  # about several settings: the message names them
        return message.removeprefix("Value error, ")
    name, *within = loc
    named = variable(name) if name in Settings.model_fields else str(name)
    place = "".join(f" ({part})" for part in within)
    return f"{named}{place}: {message.removeprefix('Value error, ')}"
