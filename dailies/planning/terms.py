"""The terms of a claim: options, tariff, caps and retry policy."""

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal

from dailies.errors import AccountError, RefusedError, ServiceError
from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.snapshot import BookedCharges, read_booked
from dailies.planning.caps import Caps
from dailies.planning.next_attempt import AttemptPolicy
from dailies.planning.options import RunOptions
from dailies.pricing import Tariff
from dailies.settings import Settings

_TOO_MANY, _AWAY = 429, 500


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account held, and what the books said was ever charged just before it was asked, in MXN."""

    mxn: Decimal
    booked: BookedCharges


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
    """

    tariff: Tariff
    caps: Caps
    policy: AttemptPolicy = field(default_factory=AttemptPolicy)
    batch_size: int = 250
    options: RunOptions = field(default_factory=RunOptions)
    booked: BookedCharges | None = None

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
    )


async def ask_balance(settings: Settings, folder: LedgerFolder) -> Balance | None:
    """The account's balance beside its ledger, None where the service does not tell it.

    The ledger is read first: a charge in between is then taken off twice, but never missed.

    Raises:
        RefusedError: the service cannot be reached, refuses the key, or has a balance but does not tell it now, so
            nothing should be claimed.
        LedgerError: the ledger cannot be read.
    """
    booked = await asyncio.to_thread(read_booked, folder)
    try:
        async with GeekHubClient.of(settings) as client:
            balance = await client.read_balance()
            if balance is None:  # many things answer 404 to that; make sure that this one is GeekHub
                await client.require_geekhub()
            return None if balance is None else Balance(balance, booked)
    except AccountError as error:
        raise RefusedError(f"{error} Nothing was spent; {error.remedy}.") from None
    except ServiceError as error:
        if error.status == _TOO_MANY or (error.status or 0) >= _AWAY:
            raise RefusedError(f"The balance cannot be had: {error}. Nothing was spent; try again later.") from None
        raise RefusedError(
            f"{str(error).rstrip('.')}. Nothing was spent; is GEEKHUB_BASE_URL right, and the network up?"
        ) from None
