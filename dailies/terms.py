"""On what terms a run claims rows: the tariff, the caps, how stubborn it is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from dailies.attempts import AttemptPolicy
from dailies.client import GeekHubClient
from dailies.errors import KeyRefusedError, RefusedError, TransportError
from dailies.order import Order
from dailies.plan import Caps
from dailies.pricing import Tariff
from dailies.settings import Settings


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
    """

    tariff: Tariff
    caps: Caps
    policy: AttemptPolicy = field(default_factory=AttemptPolicy)
    batch_size: int = 250
    approved_mxn: Decimal | None = None
    take_over: frozenset[str] = frozenset()
    order: Order = "file"


def terms_from(
    settings: Settings,
    *,
    balance_mxn: Decimal | None = None,
    fit: bool = False,
    retry_failed: bool = False,
    approved_mxn: Decimal | None = None,
    take_over: Iterable[str] = (),
    order: Order = "file",
) -> Terms:
    """The terms that the settings and a run's own wishes make together."""
    return Terms(
        settings.tariff,
        Caps(settings.max_cost_mxn, settings.max_month_mxn, balance_mxn, fit),
        AttemptPolicy(settings.max_attempts, retry_failed, settings.in_doubt == "hold"),
        settings.batch_size,
        approved_mxn,
        frozenset(take_over),
        order,
    )


async def ask_balance(settings: Settings) -> Decimal | None:
    """The account's balance in MXN, None where the service does not tell it.

    Raises:
        RefusedError: the service cannot be reached, or refuses the key, so nothing should be claimed.
    """
    try:
        async with GeekHubClient(
            settings.geekhub_base_url, settings.require_key(), timeout_s=settings.request_timeout_s
        ) as client:
            balance = await client.read_balance()
            if balance is None:  # many things answer 404 to that; make sure that this one is GeekHub
                await client.require_geekhub()
            return balance
    except KeyRefusedError as error:
        raise RefusedError(f"{error} Nothing was spent; {error.remedy}.") from None
    except TransportError as error:
        raise RefusedError(f"{error} Nothing was spent; is GEEKHUB_BASE_URL right, and the network up?") from None
