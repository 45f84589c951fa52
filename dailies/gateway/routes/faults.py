"""/sandbox/faults: read, replace and end the fault script while the sandbox runs."""

from typing import Any

from fastapi import APIRouter, Request

from dailies.gateway.faults.script import FaultScript
from dailies.gateway.gateway import Gateway
from dailies.gateway.routes.admin import require_first_organisation
from dailies.gateway.routes.wire import KEY, errors


def fault_routes(gateway: Gateway) -> APIRouter:
    """Return the three routes."""
    routes = APIRouter(prefix="/sandbox", tags=["sandbox"], responses=errors(401, 403), dependencies=[KEY])

    @routes.get("/faults")
    async def read_faults() -> dict[str, Any]:
        """Return the fault script, and how often each fault struck."""
        return gateway.faults.as_json()

    @routes.post("/faults")
    async def replace_faults(request: Request, body: FaultScript) -> dict[str, Any]:
        """Begin another fault script, in place of the present one."""
        require_first_organisation(gateway, request)
        gateway.faults.replace(body)
        return gateway.faults.as_json()

    @routes.delete("/faults")
    async def end_faults(request: Request) -> dict[str, Any]:
        """End the fault script."""
        require_first_organisation(gateway, request)
        gateway.faults.replace(FaultScript())
        return gateway.faults.as_json()

    return routes
