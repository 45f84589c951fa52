"""GET /v1/credits and GET /v1/models: what the account holds, and what it may ask for."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from dailies.catalogue import load_catalogue
from dailies.gateway.accounts.accounts import read_balance
from dailies.gateway.accounts.money import to_text
from dailies.gateway.gateway import Gateway
from dailies.gateway.routes.wire import KEY, Credits, ModelList, responses

CATALOGUE_DATE = 1_735_689_600  # 2025-01-01: OpenAI's form wants a date, GeekHub documents none.


def account_routes(gateway: Gateway) -> APIRouter:
    """Return the routes of balance and models."""
    routes = APIRouter(prefix="/v1", tags=["account"], dependencies=[KEY])

    @routes.get("/credits", responses=responses(Credits, 401))
    async def read_credits(request: Request) -> JSONResponse:
        """Return the balance (announced on GeekHub's page "Balance")."""
        balance = to_text(read_balance(gateway.store, request.state.caller.org_id))
        return JSONResponse({"object": "credits", "balance_mxn": balance, "currency": "MXN"})

    @routes.get("/models", responses=responses(ModelList, 401))
    async def list_models() -> JSONResponse:
        """List the catalogue in OpenAI's form (page "Video models")."""
        models = [
            {"id": model.id, "object": "model", "created": CATALOGUE_DATE, "owned_by": model.provider}
            for model in load_catalogue().values()
        ]
        return JSONResponse({"object": "list", "data": models})

    return routes
