"""The faults of the account: its balance and its exchange rate move between submits."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from dailies.gateway.faults.when import Count, When
from dailies.gateway.options import HIGHEST_AMOUNT_MXN, HIGHEST_FX


class SetBalance(When):
    """A submit finds the balance brought to this amount, once."""

    kind: Literal["set_balance"]
    times: Count | None = 1
    balance_mxn: Annotated[Decimal, Field(ge=-HIGHEST_AMOUNT_MXN, le=HIGHEST_AMOUNT_MXN, decimal_places=6)] = Decimal(0)


class SetFx(When):
    """A submit finds the exchange rate changed, once."""

    kind: Literal["set_fx"]
    times: Count | None = 1
    fx_mxn_per_usd: Annotated[Decimal, Field(gt=0, le=HIGHEST_FX, decimal_places=6)]
