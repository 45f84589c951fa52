"""POST /bucket, GET /bucket, GET /bucket/{id}."""

from typing import Any

from fastapi import APIRouter, Request

from dailies.gateway.storage.buckets import create_bucket, list_buckets
from dailies.gateway.storage.keys import Role
from dailies.gateway.storage.operations import Desk, read_json


def bucket_routes(desk: Desk) -> APIRouter:
    """Buckets: make, list, look."""
    routes = APIRouter(prefix="/bucket")

    @routes.post("")
    async def make_bucket(request: Request) -> dict[str, str]:
        desk.require_service(request)
        return {"name": create_bucket(desk.store, await read_json(request), desk.gateway.now_us).id}

    @routes.get("")
    async def read_buckets(request: Request) -> list[dict[str, Any]]:
        seen = list_buckets(desk.store) if desk.role(request) is Role.SERVICE else []
        return [bucket.as_json() for bucket in seen]

    @routes.get("/{bucket_id}")
    async def read_bucket(request: Request, bucket_id: str) -> dict[str, Any]:
        return desk.bucket(request, bucket_id).as_json()

    return routes
