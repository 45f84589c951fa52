"""The storage's routes below /storage/v1: public URLs, and what the Supabase client calls."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dailies.gateway.gateway import Gateway
from dailies.gateway.routes.wire import errors
from dailies.gateway.storage.bodies import Listing, NewBucket, Removal, Signing, read_body
from dailies.gateway.storage.buckets import create_bucket, find_bucket, list_buckets
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.storage.keys import Role, check_signature, sign_url
from dailies.gateway.storage.objects import find_object, list_objects
from dailies.gateway.storage.operations import StorageOperations
from dailies.gateway.storage.serving import serve_object

RESPONSES: dict[int | str, dict[str, Any]] = errors(404) | {
    200: {"description": "The video", "content": {"video/mp4": {}}},
    206: {"description": "One range of it", "content": {"video/mp4": {}}},
    304: {"description": "The caller has it"},
    400: {"description": "It is not there; the body says so", "content": {"application/json": {}}},
    416: {"description": "A bad range, or several"},
}


def storage_routes(gateway: Gateway) -> APIRouter:
    """Return all of them. The order matters: the first route that fits is taken."""
    storage = StorageOperations(gateway)
    routes = APIRouter(prefix="/storage/v1")
    routes.include_router(_public_routes(gateway))
    for part in (_bucket_routes(storage), _lookup_routes(storage), _content_routes(storage)):
        routes.include_router(part, include_in_schema=False)
    return routes


def _public_routes(gateway: Gateway) -> APIRouter:
    routes = APIRouter(prefix="/object/public", tags=["storage"], responses=RESPONSES)

    @routes.get("/{bucket}/{key:path}", response_class=Response)
    @routes.head("/{bucket}/{key:path}", response_class=Response)
    async def read_object(request: Request, bucket: str, key: str) -> Response:
        """Serve a stored video, whole or one range of it."""
        found = find_bucket(gateway.store, bucket)
        if found is None or not found.public:
            raise StorageRefusal("NoSuchBucket")
        # The key is looked up, never joined to a path: no key reaches a file that was not stored.
        stored = find_object(gateway.store, bucket, key)
        if stored is None:
            raise StorageRefusal("NoSuchKey")
        return serve_object(request, gateway, stored)

    return routes


def _bucket_routes(storage: StorageOperations) -> APIRouter:
    routes = APIRouter(prefix="/bucket")

    @routes.post("")
    async def make_bucket(request: Request) -> dict[str, str]:
        storage.require_service(request)
        wanted = await read_body(request, NewBucket)
        return {"name": create_bucket(storage.store, wanted, storage.gateway.now_us).id}

    @routes.get("")
    async def read_buckets(request: Request) -> list[dict[str, Any]]:
        seen = list_buckets(storage.store) if storage.role(request) is Role.SERVICE else []
        return [bucket.as_json() for bucket in seen]

    @routes.get("/{bucket_id}")
    async def read_bucket(request: Request, bucket_id: str) -> dict[str, Any]:
        return storage.bucket(request, bucket_id).as_json()

    return routes


def _lookup_routes(storage: StorageOperations) -> APIRouter:
    routes = APIRouter(prefix="/object")

    @routes.post("/list/{bucket_id}")
    async def read_listing(request: Request, bucket_id: str) -> list[dict[str, Any]]:
        role = storage.role(request)
        wanted = await read_body(request, Listing)
        return list_objects(storage.store, bucket_id, wanted) if role is Role.SERVICE else []

    @routes.get("/info/{bucket_id}/{key:path}")
    async def read_info(request: Request, bucket_id: str, key: str) -> dict[str, Any]:
        return storage.readable(request, bucket_id, key).info()

    @routes.post("/sign/{bucket_id}/{key:path}")
    async def sign_object(request: Request, bucket_id: str, key: str) -> dict[str, str]:
        found = storage.object(bucket_id, key, storage.role(request))
        lasts_s = (await read_body(request, Signing)).expiresIn
        path = f"{found.bucket_id}/{found.key}"
        token = sign_url(storage.store, path, storage.gateway.clock(), lasts_s)
        return {"signedURL": f"/object/sign/{quote(path)}?token={token}"}

    @routes.get("/sign/{bucket_id}/{key:path}")
    @routes.head("/sign/{bucket_id}/{key:path}")
    async def read_signed(request: Request, bucket_id: str, key: str) -> Response:
        token = request.query_params.get("token")
        if token is None:
            raise StorageRefusal("InvalidRequest", "querystring must have required property 'token'")
        check_signature(storage.store, f"{bucket_id}/{key}", token, storage.gateway.clock())
        return serve_object(request, storage.gateway, storage.object(bucket_id, key))

    return routes


def _content_routes(storage: StorageOperations) -> APIRouter:
    routes = APIRouter(prefix="/object")

    @routes.post("/{bucket_id}/{key:path}")
    async def upload_object(request: Request, bucket_id: str, key: str) -> JSONResponse:
        upsert = request.headers.get("x-upsert") == "true"
        stored = await storage.upload(request, bucket_id, key, upsert=upsert)
        return JSONResponse({"Key": f"{bucket_id}/{key}", "Id": stored.id})

    @routes.get("/{bucket_id}/{key:path}")
    @routes.head("/{bucket_id}/{key:path}")
    async def download_object(request: Request, bucket_id: str, key: str) -> Response:
        return serve_object(request, storage.gateway, storage.readable(request, bucket_id, key))

    @routes.delete("/{bucket_id}")
    async def delete_objects(request: Request, bucket_id: str) -> list[dict[str, Any]]:
        wanted = await read_body(request, Removal)
        if storage.role(request) is not Role.SERVICE:
            return []
        removed = storage.remove(bucket_id, wanted.prefixes)
        return [one.row(one.key) | {"bucket_id": one.bucket_id, "version": one.version} for one in removed]

    return routes
