"""POST /object/list, GET /object/info, and the two routes of signed URLs."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dailies.gateway.routes.objects import serve_object
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.storage.keys import Role, check_signature, sign_url
from dailies.gateway.storage.objects import list_objects
from dailies.gateway.storage.operations import Desk, read_json


def lookup_routes(desk: Desk) -> APIRouter:
    """What there is, and URLs that open it for a while."""
    routes = APIRouter(prefix="/object")

    @routes.post("/list/{bucket_id}")
    async def read_listing(request: Request, bucket_id: str) -> list[dict[str, Any]]:
        wanted = await read_json(request)
        if desk.role(request) is not Role.SERVICE:
            return []
        return list_objects(desk.store, desk.bucket(request, bucket_id).id, wanted)

    @routes.get("/info/{bucket_id}/{key:path}")
    async def read_info(request: Request, bucket_id: str, key: str) -> dict[str, Any]:
        return desk.readable(request, bucket_id, key).info()

    @routes.post("/sign/{bucket_id}/{key:path}")
    async def sign_object(request: Request, bucket_id: str, key: str) -> dict[str, str]:
        wanted = await read_json(request)
        found = desk.object(bucket_id, key, desk.role(request))
        path = f"{found.bucket_id}/{found.key}"
        token = sign_url(desk.store, path, desk.gateway.clock(), _seconds(wanted.get("expiresIn")))
        return {"signedURL": f"/object/sign/{quote(path)}?token={token}"}

    @routes.get("/sign/{bucket_id}/{key:path}")
    @routes.head("/sign/{bucket_id}/{key:path}")
    async def read_signed(request: Request, bucket_id: str, key: str) -> Response:
        token = request.query_params.get("token")
        if token is None:
            raise StorageRefusal("InvalidRequest", "querystring must have required property 'token'")
        check_signature(desk.store, f"{bucket_id}/{key}", token, desk.gateway.clock())
        return serve_object(request, desk.gateway, desk.object(bucket_id, key))

    return routes


def _seconds(wanted: Any) -> int:
    text = str(wanted)
    if not text.isdecimal() or int(text) < 1:
        raise StorageRefusal("InvalidRequest", "body/expiresIn must be >= 1")
    return min(int(text), 10**9)
