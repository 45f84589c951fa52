"""POST /sandbox/*: changes the account, as a person does in GeekHub's console."""

from typing import Any

from fastapi import APIRouter, Request

from dailies.gateway.accounts.accounts import add_credit, create_organisation, read_balance, write_fx
from dailies.gateway.accounts.keys import create_key, hash_key, revoke_key
from dailies.gateway.accounts.money import to_micros
from dailies.gateway.errors import ApiError
from dailies.gateway.gateway import Gateway
from dailies.gateway.options import HIGHEST_AMOUNT_MXN
from dailies.gateway.routes.admin_bodies import EndedKey, ExchangeRate, NewKey, Recharge
from dailies.gateway.routes.truth import describe_account
from dailies.gateway.routes.wire import KEY, errors
from dailies.gateway.store import transaction


def require_first_organisation(gateway: Gateway, request: Request) -> None:
    """Let only the first organisation change what concerns all of them.

    Raises:
        ApiError: ``permission_denied``.
    """
    if request.state.caller.org_id != gateway.org_id:
        raise ApiError("permission_denied", "Only a key of the sandbox's first organisation may change this.")


def admin_routes(gateway: Gateway) -> APIRouter:
    """Return the routes of recharge, exchange rate and keys."""
    routes = APIRouter(prefix="/sandbox", tags=["sandbox"], responses=errors(401, 403), dependencies=[KEY])
    store = gateway.store

    @routes.post("/recharge")
    async def recharge(request: Request, body: Recharge) -> dict[str, Any]:
        """Book a credit."""
        org_id = request.state.caller.org_id
        amount = to_micros(body.amount_mxn)
        if amount <= 0 and body.type != "adjustment":
            raise ApiError("invalid_request_error", f"amount_mxn: a {body.type} is above zero.")
        with transaction(store):
            if abs(read_balance(store, org_id) + amount) > to_micros(HIGHEST_AMOUNT_MXN):
                raise ApiError("invalid_request_error", f"amount_mxn: a balance is at most {HIGHEST_AMOUNT_MXN}.")
            add_credit(store, org_id, body.type, amount, gateway.now_us)
        return describe_account(gateway, org_id)

    @routes.post("/fx")
    async def change_fx(request: Request, body: ExchangeRate) -> dict[str, Any]:
        """Change the exchange rate of every charge from now on, for all organisations."""
        require_first_organisation(gateway, request)
        write_fx(store, to_micros(body.fx_mxn_per_usd))
        return describe_account(gateway, request.state.caller.org_id)

    @routes.post("/keys")
    async def make_key(request: Request, body: NewKey) -> dict[str, str]:
        """Make a further key, for the caller's organisation or for a new one."""
        with transaction(store):
            org_id = request.state.caller.org_id
            if body.new_organisation:
                org_id = create_organisation(store, to_micros(body.balance_mxn), gateway.now_us)
            return {"api_key": create_key(store, org_id, gateway.now_us), "org_id": org_id}

    @routes.post("/keys/revoke")
    async def end_key(request: Request, body: EndedKey) -> dict[str, bool]:
        """Revoke a key, by default the one that asks."""
        key_hash = request.state.caller.key_hash if body.api_key is None else hash_key(body.api_key)
        revoke_key(store, key_hash, gateway.now_us)
        return {"revoked": True}

    return routes
