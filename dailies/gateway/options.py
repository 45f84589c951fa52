"""The options of a sandbox's start."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from dailies.gateway.accounts.money import to_micros

HIGHEST_FX = Decimal(1_000)
HIGHEST_AMOUNT_MXN = Decimal(1_000_000_000)
_WEB = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """The options of one sandbox.

    ``seed``, ``fx_mxn_per_usd`` and ``balance_mxn`` are for a new data folder; an existing one keeps its own.

    Attributes:
        data_dir: the folder of all its state; one sandbox for each folder.
        port: None takes the folder's own port, chosen at its first start.
        speed: how many times faster than real the models render.
        seed: of the render times.
        fx_mxn_per_usd: the exchange rate that charges use.
        balance_mxn: what the first organisation starts with.
        requests_per_second: submits allowed per organisation, None for no limit.
        burst: submits allowed at once under that limit.
        plain_video: tiny clips, one for each model, duration and ratio: for thousands of jobs.
        faults: a fault script (TOML), None for none.
        supabase_url: a Supabase project that keeps the finished videos, None to keep them here.
        supabase_key: that project's service key.
    """

    data_dir: Path
    port: int | None = None
    speed: float = 60.0
    seed: int = 0
    fx_mxn_per_usd: Decimal = Decimal(20)
    balance_mxn: Decimal = Decimal("100000.00")
    requests_per_second: float | None = None
    burst: int = 1
    plain_video: bool = False
    faults: Path | None = None
    supabase_url: str | None = None
    supabase_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check(self.port is None or 1 <= self.port <= 65_535, "port: 1 to 65535")
        _check(0.001 <= self.speed <= 1_000_000, "speed: 0.001 to 1000000")
        _check(0 <= self.seed < 2**63, "seed: 0 to 2^63 - 1")
        _check(0 < self.fx_mxn_per_usd <= HIGHEST_FX, f"fx_mxn_per_usd: above 0, at most {HIGHEST_FX}")
        _check(0 <= self.balance_mxn <= HIGHEST_AMOUNT_MXN, f"balance_mxn: 0 to {HIGHEST_AMOUNT_MXN}")
        _check(self.requests_per_second is None or self.requests_per_second > 0, "requests_per_second: above 0")
        _check(self.burst >= 1, "burst: at least 1")
        is_whole = (self.supabase_url is None) == (self.supabase_key is None) and self.supabase_key != ""
        _check(is_whole, "SUPABASE_URL and SUPABASE_SERVICE_KEY: both of them")
        _check(self.supabase_url is None or self.supabase_url.startswith(_WEB), "SUPABASE_URL: https://...")
        to_micros(self.fx_mxn_per_usd)
        to_micros(self.balance_mxn)

    @property
    def time_scale(self) -> float:
        """The factor on real times: 1/60 at speed 60."""
        return 1 / self.speed


def _check(holds: bool, rule: str) -> None:
    if not holds:
        raise ValueError(rule)
