"""On what terms a run claims rows: the tariff, the caps, how stubborn it is."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from dailies.errors import AccountError, RefusedError, ServiceError
from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.snapshot import BookedCharges, read_booked
from dailies.planning.next_attempt import AttemptPolicy
from dailies.planning.plan import Caps
from dailies.planning.submit_order import Order
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
    """On what terms rows are claimed.

    Attributes:
        tariff: how GeekHub charges.
        caps: what may be spent.
        policy: which rows are tried again.
        batch_size: rows in one batch.
        approved_mxn: the worst case that a person saw and agreed to; None if nobody was asked.
        take_over: batches of hanging runs whose rows are taken from them.
        order: in which order rows are submitted, once it is settled which ones the caps allow.
        booked: what the books said was ever charged when the balance in ``caps`` was asked; None if it is exact.
    """

    tariff: Tariff
    caps: Caps
    policy: AttemptPolicy = field(default_factory=AttemptPolicy)
    batch_size: int = 250
    approved_mxn: Decimal | None = None
    take_over: frozenset[str] = frozenset()
    order: Order = "file"
    booked: BookedCharges | None = None

    def caps_after(self, booked: BookedCharges) -> Caps:
        """The caps when so much is booked: what came to it since the balance was asked has left the balance."""
        if self.caps.balance_mxn is None or self.booked is None:
            return self.caps
        return replace(self.caps, balance_mxn=self.caps.balance_mxn - booked.since(self.booked))


def terms_from(
    settings: Settings,
    *,
    balance: Balance | None = None,
    fit: bool = False,
    retry_failed: bool = False,
    approved_mxn: Decimal | None = None,
    take_over: Iterable[str] = (),
    order: Order = "file",
) -> Terms:
    """The terms that the settings and a run's own wishes make together."""
    return Terms(
        settings.tariff,
        Caps(settings.max_cost_mxn, settings.max_month_mxn, balance.mxn if balance else None, fit),
        AttemptPolicy(settings.max_attempts, retry_failed, settings.in_doubt == "hold"),
        settings.batch_size,
        approved_mxn,
        frozenset(take_over),
        order,
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
        async with GeekHubClient(
            settings.geekhub_base_url, settings.require_key(), timeout_s=settings.request_timeout_s
        ) as client:
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
