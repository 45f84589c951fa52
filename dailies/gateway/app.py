"""Puts the gateway's routes and middleware together."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from dailies.gateway.accounts.access import Access
from dailies.gateway.errors import ApiError, answer_api_error, error_answer
from dailies.gateway.faults.middleware import FaultMiddleware
from dailies.gateway.gateway import Gateway
from dailies.gateway.request_body import RequestBody
from dailies.gateway.request_head import RequestHead
from dailies.gateway.routes.account import account_routes
from dailies.gateway.routes.admin import admin_routes
from dailies.gateway.routes.faults import fault_routes
from dailies.gateway.routes.home import home_routes
from dailies.gateway.routes.truth import truth_routes
from dailies.gateway.routes.videos import video_routes
from dailies.gateway.routes.wire import error_schemas
from dailies.gateway.storage.errors import StorageRefusal, answer_refusal
from dailies.gateway.storage.routes import storage_routes


class SandboxApi(FastAPI):
    """FastAPI, with 400 in place of 422, in its answers and in its description."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description."""
        description = super().openapi()
        for operations in description["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        description["components"]["schemas"] |= error_schemas()
        return description


def create_app(gateway: Gateway) -> FastAPI:
    """Make the gateway's ASGI application. It closes the gateway when it shuts down."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        gateway.close()

    # No redirect from /path/ to /path: its target would be built from the caller's Host header.
    app = SandboxApi(title="Dailies sandbox", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    app.include_router(video_routes(gateway))
    app.include_router(account_routes(gateway))
    app.include_router(storage_routes(gateway))
    app.include_router(truth_routes(gateway))
    app.include_router(admin_routes(gateway))
    app.include_router(fault_routes(gateway))
    app.include_router(home_routes(gateway))

    @app.get("/healthz", tags=["sandbox"])
    async def read_health() -> dict[str, str | int]:
        """Say that this is a sandbox, and which one."""
        return {"service": "dailies-sandbox", "instance_id": gateway.instance_id, "pid": os.getpid()}

    app.add_exception_handler(ApiError, answer_api_error)
    app.add_exception_handler(StorageRefusal, answer_refusal)
    app.add_exception_handler(RequestValidationError, answer_invalid_request)
    app.add_exception_handler(HTTPException, answer_http_error)
    app.add_exception_handler(Exception, answer_crash)
    # The last one added is the first that a request meets.
    app.add_middleware(FaultMiddleware, gateway=gateway)
    app.add_middleware(RequestBody)
    app.add_middleware(Access, gateway=gateway)
    app.add_middleware(RequestHead)
    return app


async def answer_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Answer a body or parameter of the wrong form: 400, naming the field."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        message = "body: it is not valid JSON."
    else:
        field = ".".join(str(step) for step in first["loc"][1:]) or "body"
        message = f"{field}: {first['msg'].removeprefix('Value error, ')}."
    return error_answer(ApiError("invalid_request_error", message), request.scope)


async def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the router itself refuses: unknown routes, wrong methods, unreadable bodies."""
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    messages = {404: "No such route.", 405: "This route does not take that method."}
    code = codes.get(error.status_code, "invalid_request_error")
    message = messages.get(error.status_code, "body: it cannot be read.")
    return error_answer(ApiError(code, message, error.headers), request.scope)


async def answer_crash(request: Request, _: Exception) -> JSONResponse:
    """Answer a defect of the sandbox; the log has the traceback."""
    return error_answer(
        ApiError("internal_error", "The sandbox has a defect; its log has the traceback."), request.scope
    )
