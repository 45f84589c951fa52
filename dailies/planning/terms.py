"""The terms of a claim: options, tariff, caps and retry policy."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

import pyarrow.compute as pc

from dailies.errors import (
    AccountError,
    BalanceEmptyError,
    JobNotFoundError,
    RefusedError,
    RowRefusedError,
    ServiceError,
)
from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.snapshot import BookedCharges, read_booked
from dailies.planning.caps import Caps
from dailies.planning.next_attempt import AttemptPolicy
from dailies.planning.options import RunOptions
from dailies.pricing import ZERO, Tariff
from dailies.settings import Settings

CLOCK_TOLERANCE = timedelta(minutes=5)
_TOO_MANY, _AWAY = 429, 500


@dataclass(frozen=True, slots=True)
class Balance:
    """What the service said before a claim.

    Attributes:
        mxn: the account's balance; None if the service does not report it.
        booked: all charges in the ledger just before the service was asked.
        clock_ahead: how far this computer's clock is ahead of the service's.
    """

    mxn: Decimal | None
    booked: BookedCharges
    clock_ahead: timedelta = field(default=timedelta(0), compare=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a claim: the options of the run, and what the settings and the account add to them.

    Attributes:
        tariff: how GeekHub charges.
        caps: what may be spent.
        policy: which rows are tried again.
        batch_size: rows in one batch.
        options: the options of the run.
        booked: what the ledger said was ever charged when the balance in ``caps`` was read; None if it is exact.
        clock_ahead: how far this computer's clock is ahead of the service's.
    """

    tariff: Tariff
    caps: Caps
    policy: AttemptPolicy = field(default_factory=AttemptPolicy)
    batch_size: int = 250
    options: RunOptions = field(default_factory=RunOptions)
    booked: BookedCharges | None = None
    clock_ahead: timedelta = timedelta(0)

    @property
    def take_over(self) -> frozenset[str]:
        """The batches of hanging runs whose rows are taken from them."""
        return frozenset(self.options.take_over)

    def caps_after(self, booked: BookedCharges) -> Caps:
        """Return the caps for a ledger with these charges: charges since the balance was read have left the balance."""
        if self.caps.balance_mxn is None or self.booked is None:
            return self.caps
        return replace(self.caps, balance_mxn=self.caps.balance_mxn - booked.since(self.booked))


def terms_from(settings: Settings, options: RunOptions | None = None, *, balance: Balance | None = None) -> Terms:
    """Combine the settings, the options of a run and the balance of the account."""
    options = options or RunOptions()
    return Terms(
        settings.tariff,
        Caps(settings.max_cost_mxn, settings.max_month_mxn, balance.mxn if balance else None, options.fit),
        AttemptPolicy(settings.max_attempts, options.retry_failed, settings.in_doubt == "hold"),
        settings.batch_size,
        options,
        balance.booked if balance else None,
        balance.clock_ahead if balance else timedelta(0),
    )


async def ask_balance(settings: Settings, folder: LedgerFolder) -> Balance:
    """Ask the service for the balance and the time.

    The ledger is read first: a charge in between is then subtracted twice, but never missed.

    Raises:
        RefusedError: nothing should be claimed: the service cannot be reached, refuses the key, does not report its
            balance now, or its clock and this computer's are too far apart.
        LedgerError: the ledger cannot be read.
    """
    booked = await asyncio.to_thread(read_booked, folder)
    try:
        async with GeekHubClient.of(settings) as client:
            balance = await _read_balance(client)
            await require_own_account(client, settings, folder)
            return Balance(balance, booked, _clock_ahead(client.date, datetime.now(UTC)))
    except AccountError as error:
        raise RefusedError(f"{error} Nothing was spent; {error.remedy}.") from None
    except ServiceError as error:
        if error.status == _TOO_MANY or (error.status or 0) >= _AWAY:
            raise RefusedError(f"The balance cannot be had: {error}. Nothing was spent; try again later.") from None
        raise RefusedError(
            f"{str(error).rstrip('.')}. Nothing was spent; is GEEKHUB_BASE_URL right, and the network up?"
        ) from None


async def require_own_account(client: GeekHubClient, settings: Settings, folder: LedgerFolder) -> None:
    """Make sure, before a first submit, that the key belongs to the account of the ledger.

    Raises:
        RefusedError: the key belongs to another account.
        ServiceError: the service cannot be asked.
    """
    if settings.service != "live" or folder.identity.organisation is None:
        return
    job_id = await asyncio.to_thread(_last_completed_job, folder)
    if job_id is None:
        return
    try:
        await client.get_video(job_id)  # it was charged when it completed; another poll costs nothing
    except BalanceEmptyError:
        return  # the balance is a matter of the caps
    except (JobNotFoundError, RowRefusedError) as error:
        raise RefusedError(
            f"GEEKHUB_API_KEY belongs to another account than the ledger {folder.path.absolute()}: the service does not"
            f" know the ledger's job {job_id} ({error}). Nothing was spent; use the key of the ledger's account, or"
            " another ledger by DAILIES_LEDGER_DIR."
        ) from None


def _last_completed_job(folder: LedgerFolder) -> str | None:
    completed = (pc.field("status") == EntryStatus.COMPLETED.value) & pc.field("job_id").is_valid()
    jobs = folder.scan(["job_id", "completed_at"], completed & pc.field("video_url").is_valid())
    jobs = jobs.sort_by([("completed_at", "descending")])
    return str(jobs["job_id"][0].as_py()) if jobs.num_rows else None


async def _read_balance(client: GeekHubClient) -> Decimal | None:
    """Read the balance; None if the service does not report it. A refusal for lack of money is a balance of 0."""
    try:
        balance = await client.read_balance()
    except BalanceEmptyError:
        return ZERO
    if balance is None:  # many things answer 404 to that; make sure that this one is GeekHub
        await client.require_geekhub()
    return balance


def require_ledger(folder: LedgerFolder, settings: Settings, options: RunOptions) -> None:
    """Refuse to order videos for money with a new ledger, unless a person asks for it.

    A ledger that is not found, for example from another working folder, would buy every row again.

    Raises:
        RefusedError: the ledger is new; names its folder and the remedy.
    """
    if settings.service == "live" and folder.is_new and not options.new_ledger:
        raise RefusedError(
            f"{folder.path.absolute()} is a new ledger: it knows of no video that you have bought. Nothing was spent."
            " Work in the folder that holds your ledger, or set DAILIES_DATA_DIR or DAILIES_LEDGER_DIR; to start a new"
            " ledger, say --new-ledger (new_ledger in a deployment)."
        )


def _clock_ahead(date: str | None, now: datetime) -> timedelta:
    """Return how far this computer's clock is ahead of the service's ``Date``; zero if that is missing or no date.

    The clocks decide to which month a charge belongs: its FX, and the cap that it counts against.

    Raises:
        RefusedError: more than five minutes either way.
    """
    try:
        ahead = now - parsedate_to_datetime(date or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return timedelta(0)
    if abs(ahead) > CLOCK_TOLERANCE:
        way = "ahead of" if ahead > timedelta(0) else "behind"
        raise RefusedError(
            f"This computer's clock is {abs(ahead).total_seconds() / 60:,.0f} minutes {way} the service's, so the month"
            " of a charge is uncertain. Nothing was spent. Set the clock (timedatectl set-ntp true) and run again."
        )
    return ahead
