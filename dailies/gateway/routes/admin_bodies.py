"""The bodies of the routes that change the sandbox's account."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dailies.gateway.options import HIGHEST_AMOUNT_MXN, HIGHEST_FX


class _Money(BaseModel):
    """Money comes as a decimal string or as a number, exact to six places."""

    model_config = ConfigDict(extra="forbid")


class Recharge(_Money):
    """The body of POST /sandbox/recharge; only an adjustment may be negative."""

    amount_mxn: Annotated[
        Decimal, Field(ge=-HIGHEST_AMOUNT_MXN, le=HIGHEST_AMOUNT_MXN, decimal_places=6, allow_inf_nan=False)
    ]
    type: Literal["recharge", "bonus", "refund", "adjustment"] = "recharge"


class ExchangeRate(_Money):
    """The body of POST /sandbox/fx."""

    fx_mxn_per_usd: Annotated[Decimal, Field(gt=0, le=HIGHEST_FX, decimal_places=6, allow_inf_nan=False)]


class NewKey(_Money):
    """The body of POST /sandbox/keys."""

    new_organisation: bool = False
    balance_mxn: Annotated[Decimal, Field(ge=0, le=HIGHEST_AMOUNT_MXN, decimal_places=6, allow_inf_nan=False)] = (
        Decimal(0)
    )

    @field_validator("new_organisation", mode="before")
    @classmethod
    def want_bool(cls, value: object) -> object:
        """Refuse words for a truth value."""
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value


class EndedKey(_Money):
    """The body of POST /sandbox/keys/revoke; without a key it is the caller's own."""

    api_key: str | None = None
