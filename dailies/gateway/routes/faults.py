"""/sandbox/faults: read, replace and end the fault script while the sandbox runs."""

from typing import Any

from fastapi import APIRouter

from dailies.gateway.faults.script import FaultScript
from dailies.gateway.gateway import Gateway
from dailies.gateway.routes.wire import KEY, errors


def fault_routes(gateway: Gateway) -> APIRouter:
    """The three routes."""
    routes = APIRouter(prefix="/sandbox", tags=["sandbox"], responses=errors(401), dependencies=[KEY])

    @routes.get("/faults")
    async def read_faults() -> dict[str, Any]:
        """Tell the fault script, and how often each fault struck."""
        return gateway.faults.as_json()

    @routes.post("/faults")
    async def replace_faults(body: FaultScript) -> dict[str, Any]:
        """Begin another fault script, in place of the present one."""
        gateway.faults.replace(body)
        return gateway.faults.as_json()

    @routes.delete("/faults")
    async def end_faults() -> dict[str, Any]:
        """End the fault script."""
        gateway.faults.replace(FaultScript())
        return gateway.faults.as_json()

    return routes
