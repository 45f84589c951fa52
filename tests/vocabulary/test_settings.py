"""Settings: where they come from, their bounds, and that a key is never repeated."""

import pickle
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from dailies.errors import SettingsError
from dailies.settings import Settings, load_settings, variable
from tests.factories import LIVE_KEY, TEST_KEY


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No variable of ours in the environment, and a folder without ``.env``."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(**overrides: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**overrides)
    return str(caught.value)


def test_without_anything_set_the_defaults_are_those_of_the_documentation():
    settings = load_settings()

    assert settings.geekhub_base_url == "https://api.geekhub.mx/v1"
    assert (settings.markup, settings.geekhub_api_key, settings.max_cost_mxn) == (Decimal("1.05"), None, None)


def test_the_environment_wins_over_the_env_file_and_an_argument_over_both(monkeypatch, bare):
    (bare / ".env").write_text("DAILIES_BATCH_SIZE=10\nDAILIES_MAX_ATTEMPTS=3\nDAILIES_MAX_IN_FLIGHT=7\n")
    monkeypatch.setenv("DAILIES_MAX_ATTEMPTS", "4")
    monkeypatch.setenv("DAILIES_MAX_IN_FLIGHT", "8")

    settings = load_settings(max_in_flight=9)

    assert (settings.batch_size, settings.max_attempts, settings.max_in_flight) == (10, 4, 9)


def test_an_argument_wins_over_geekhubs_own_variables_too(monkeypatch):
    monkeypatch.setenv("GEEKHUB_API_KEY", LIVE_KEY)
    monkeypatch.setenv("GEEKHUB_BASE_URL", "https://elsewhere.test")

    settings = load_settings(geekhub_api_key=TEST_KEY, geekhub_base_url="http://127.0.0.1:4300/v1")

    assert settings.require_key().get_secret_value() == TEST_KEY
    assert settings.geekhub_base_url == "http://127.0.0.1:4300/v1"


def test_an_argument_of_none_leaves_what_is_set(monkeypatch):
    monkeypatch.setenv("DAILIES_MAX_COST_MXN", "100")

    assert load_settings(max_cost_mxn=None).max_cost_mxn == 100


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", "0"),
        ("batch_size", "1001"),
        ("max_attempts", "0"),
        ("max_cost_mxn", "-1"),
        ("max_cost_mxn", "NaN"),
        ("max_month_mxn", "0.0000001"),
        ("markup", "0.99"),
        ("markup", "1.0500001"),
        ("fx_ceiling", "18.1234567"),
        ("fx_ceiling", "1001"),
        ("fx_timezone", "Mars/Olympus"),
        ("default_model", "fal/kling-9"),
        ("submit_rate_per_s", "0"),
        ("events_per_s", "nan"),
        ("time_scale", "inf"),
        ("give_up_after_s", "inf"),
        ("request_timeout_s", "0"),
        ("max_failed_ratio", "1.1"),
        ("in_doubt", "perhaps"),
        ("geekhub_base_url", "api.geekhub.mx"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_the_name_of_its_variable(monkeypatch, name, value):
    monkeypatch.setenv(variable(name), value)

    assert refusal().startswith(f"{variable(name)}: ")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_number_has_an_upper_bound(name):
    enough = {"max_cost_mxn", "max_month_mxn"}  # by their digits
    rules = [type(rule).__name__ for rule in Settings.model_fields[name].metadata]

    assert "Le" in rules or ("Ge" not in rules and "Gt" not in rules) or name in enough


def test_every_fault_is_named_at_once(monkeypatch):
    monkeypatch.setenv("DAILIES_BATCH_SIZE", "many")
    monkeypatch.setenv("DAILIES_MAX_ATTEMPTS", "0")

    assert len(refusal().splitlines()) == 2


@pytest.mark.parametrize(
    "key",
    [
        "sk-0123456789abcdef-not-geekhubs",
        LIVE_KEY[:-1],
        LIVE_KEY + "f",
        LIVE_KEY[:20] + "\n" + LIVE_KEY[21:],
        "ghub_sk_prod_" + "0123456789abcdef" * 2,
        "ghub_sk_live_" + "0123456789abcdé " * 2,
    ],
)
def test_a_malformed_key_is_refused_and_never_repeated(monkeypatch, key):
    monkeypatch.setenv("GEEKHUB_API_KEY", key)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    said = f"{caught.value}{caught.value!r}{pickle.dumps(caught.value)!r}"
    assert str(caught.value).startswith("GEEKHUB_API_KEY: this is not a GeekHub key")
    assert not any(part in said for part in ("0123456789abcd", "liveKEY-"))
    assert caught.value.__suppress_context__


def test_a_good_key_shows_in_no_repr_and_no_dump():
    settings = load_settings(geekhub_api_key=LIVE_KEY)

    assert LIVE_KEY not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"


def test_another_settings_fault_does_not_repeat_the_key():
    assert LIVE_KEY not in refusal(geekhub_api_key=LIVE_KEY, batch_size=0)


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_key_is_no_key(monkeypatch, blank, bare):
    """So that a key in ``.env`` can be switched off from the command line."""
    (bare / ".env").write_text(f"GEEKHUB_API_KEY={LIVE_KEY}\n")
    monkeypatch.setenv("GEEKHUB_API_KEY", blank)

    assert load_settings().geekhub_api_key is None


@pytest.mark.parametrize("blank", ["", "  "])
@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_blank_setting_is_not_set(monkeypatch, blank, name, bare):
    """So that a line of ``.env`` can be switched off, and a form may have fields that are left empty."""
    unset = load_settings()
    (bare / ".env").write_text(f"{variable(name)}=something\n")
    monkeypatch.setenv(variable(name), blank)

    assert load_settings() == unset


def test_a_missing_key_is_told_with_its_remedy():
    with pytest.raises(SettingsError, match="set GEEKHUB_API_KEY"):
        load_settings().require_key()


@pytest.mark.parametrize(("key", "service"), [(LIVE_KEY, "live"), (TEST_KEY, "sandbox"), (None, "sandbox")])
def test_each_service_has_a_ledger_of_its_own(key, service):
    settings = load_settings(geekhub_api_key=key, data_dir=Path("out"))

    assert settings.service == service
    assert settings.ledger_path == Path("out") / "ledger" / service


def test_a_ledger_folder_that_was_named_is_taken_as_it_is():
    assert load_settings(ledger_dir=Path("books")).ledger_path == Path("books")


def test_fx_is_read_month_by_month(monkeypatch):
    monkeypatch.setenv("DAILIES_FX", " 2026-11=18.45, 2026-12 = 18.6 ,*=20,")

    assert load_settings().fx == {"2026-11": Decimal("18.45"), "2026-12": Decimal("18.6"), "*": Decimal(20)}


def test_fx_can_be_given_as_a_mapping():
    assert load_settings(fx={"2026-11": Decimal(20)}).tariff.fx == {"2026-11": Decimal(20)}


@pytest.mark.parametrize(
    "fx",
    [
        "18.45",
        "2026-13=18.45",
        "2026-1=18.45",
        "November=18.45",
        "2026-11=",
        "2026-11=eighteen",
        "2026-11=NaN",
        "2026-11=Infinity",
        "2026-11=0.5",
        "2026-11=1001",
        "2026-11=18.1234567",
        "2026-11=18.45,2026-11=18.46",
        {"11/2026": Decimal(20)},
        {"2026-11": Decimal("18.1234567")},
    ],
)
def test_an_fx_that_makes_no_sense_is_refused(fx):
    assert refusal(fx=fx).startswith("DAILIES_FX")


def test_the_tariff_is_made_of_the_money_settings():
    tariff = load_settings(fx="2026-11=20", fx_ceiling=25, fx_timezone="UTC", markup="1.1").tariff

    assert (tariff.fx_ceiling, tariff.zone, tariff.markup) == (25, ZoneInfo("UTC"), Decimal("1.1"))


def test_settings_cannot_be_changed():
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.batch_size = 1  # type: ignore[misc]


def test_a_setting_with_a_slip_in_its_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAILIES_MAX_COST_MNX", "100")
    with pytest.raises(SettingsError, match=r"DAILIES_MAX_COST_MNX: there is no such .* mean DAILIES_MAX_COST_MXN"):
        load_settings()


def test_an_env_file_that_is_no_text_is_refused() -> None:
    Path(".env").write_bytes("DAILIES_FX=2026-11=18 # según México".encode("latin-1"))
    with pytest.raises(SettingsError, match="not text in UTF-8"):
        load_settings()


def test_a_key_is_stripped_and_checked_where_it_is_read(monkeypatch):
    monkeypatch.setenv("GEEKHUB_API_KEY", f" {LIVE_KEY}\t ")
    monkeypatch.setenv("SUPABASE_SERVICE_KEY", " sb_secret_0123456789 ")

    settings = load_settings()

    assert settings.require_key().get_secret_value() == LIVE_KEY
    assert settings.supabase_service_key is not None
    assert settings.supabase_service_key.get_secret_value() == "sb_secret_0123456789"
    assert "SUPABASE_SERVICE_KEY" in refusal(supabase_service_key="sb_secret\n0123456789")


@pytest.mark.parametrize("url", ["https://proxy.example/v1", "http://127.0.0.1:4300/v1", "http://localhost/v1"])
def test_a_live_key_goes_over_https_or_to_this_computer(url):
    assert load_settings(geekhub_api_key=LIVE_KEY, geekhub_base_url=url).geekhub_base_url == url


@pytest.mark.parametrize("url", ["http://api.geekhub.mx/v1", "http://127.0.0.1.evil.example/v1", "http://10.0.0.7/v1"])
def test_a_live_key_never_goes_over_plain_http_to_another_computer(url):
    assert "https://" in refusal(geekhub_api_key=LIVE_KEY, geekhub_base_url=url)
    assert load_settings(geekhub_api_key=TEST_KEY, geekhub_base_url=url).service == "sandbox"


def test_a_foreign_address_of_the_env_file_gets_no_key_from_elsewhere(monkeypatch, bare):
    (bare / ".env").write_text("GEEKHUB_BASE_URL=https://collector.example/v1\n")
    monkeypatch.setenv("GEEKHUB_API_KEY", LIVE_KEY)

    said = refusal()

    assert "collector.example" in said
    assert LIVE_KEY not in said


def test_a_foreign_address_is_used_where_the_environment_names_it_or_the_key_stands_beside_it(monkeypatch, bare):
    url = "https://collector.example/v1"
    (bare / ".env").write_text(f"GEEKHUB_BASE_URL={url}\nGEEKHUB_API_KEY={LIVE_KEY}\n")
    assert load_settings().geekhub_base_url == url

    monkeypatch.setenv("GEEKHUB_API_KEY", LIVE_KEY)
    monkeypatch.setenv("GEEKHUB_BASE_URL", url)
    assert load_settings().geekhub_base_url == url
