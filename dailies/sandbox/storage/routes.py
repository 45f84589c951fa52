"""The routes below /storage/v1 that the Supabase client calls (the public URLs are in ``routes/objects.py``)."""

import json
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dailies.sandbox.gateway import Gateway
from dailies.sandbox.routes.objects import serve_object
from dailies.sandbox.storage.buckets import create_bucket, list_buckets
from dailies.sandbox.storage.desk import Desk
from dailies.sandbox.storage.keys import Role, check_signature, sign_url
from dailies.sandbox.storage.objects import FOLDER, list_objects, remove_objects
from dailies.sandbox.storage.refusals import StorageRefusal


def bucket_routes(gateway: Gateway) -> APIRouter:
    """Buckets: make, look, list."""
    routes = APIRouter(prefix="/storage/v1/bucket", include_in_schema=False)
    desk = Desk(gateway)

    @routes.post("")
    async def make_bucket(request: Request) -> dict[str, str]:
        desk.require_service(request)
        return {"name": create_bucket(desk.store, await _json(request), gateway.now_us).id}

    @routes.get("")
    async def read_buckets(request: Request) -> list[dict[str, Any]]:
        seen = list_buckets(desk.store) if desk.role(request) is Role.SERVICE else []
        return [bucket.as_json() for bucket in seen]

    @routes.get("/{bucket_id}")
    async def read_bucket(request: Request, bucket_id: str) -> dict[str, Any]:
        return desk.bucket(request, bucket_id).as_json()

    return routes


def storage_routes(gateway: Gateway) -> APIRouter:
    """Objects: upload, look, download, list, remove, sign. The order matters: the first route that fits is taken."""
    routes = APIRouter(prefix="/storage/v1/object", include_in_schema=False)
    desk = Desk(gateway)

    @routes.post("/list/{bucket_id}")
    async def read_listing(request: Request, bucket_id: str) -> list[dict[str, Any]]:
        wanted = await _json(request)
        if desk.role(request) is not Role.SERVICE:
            return []
        return list_objects(desk.store, desk.bucket(request, bucket_id).id, wanted)

    @routes.post("/sign/{bucket_id}/{key:path}")
    async def sign_object(request: Request, bucket_id: str, key: str) -> dict[str, str]:
        wanted = await _json(request)
        found = desk.object(bucket_id, key, desk.role(request))
        path = f"{found.bucket_id}/{found.key}"
        token = sign_url(desk.store, path, gateway.clock(), _seconds(wanted.get("expiresIn")))
        return {"signedURL": f"/object/sign/{quote(path)}?token={token}"}

    @routes.get("/sign/{bucket_id}/{key:path}")
    @routes.head("/sign/{bucket_id}/{key:path}")
    async def read_signed(request: Request, bucket_id: str, key: str) -> Response:
        token = request.query_params.get("token")
        if token is None:
            raise StorageRefusal("InvalidRequest", "querystring must have required property 'token'")
        check_signature(desk.store, f"{bucket_id}/{key}", token, gateway.clock())
        return serve_object(request, gateway, desk.object(bucket_id, key))

    @routes.get("/info/{bucket_id}/{key:path}")
    async def read_info(request: Request, bucket_id: str, key: str) -> dict[str, Any]:
        return desk.readable(request, bucket_id, key).info()

    @routes.post("/{bucket_id}/{key:path}")
    async def upload_object(request: Request, bucket_id: str, key: str) -> JSONResponse:
        upsert = request.headers.get("x-upsert") == "true"
        stored = await desk.store_upload(request, bucket_id, key, upsert=upsert)
        return JSONResponse({"Key": f"{bucket_id}/{key}", "Id": stored.id})

    @routes.put("/{bucket_id}/{key:path}")
    async def update_object(request: Request, bucket_id: str, key: str) -> JSONResponse:
        stored = await desk.store_upload(request, bucket_id, key, upsert=True)
        return JSONResponse({"Key": f"{bucket_id}/{key}", "Id": stored.id})

    @routes.delete("/{bucket_id}")
    async def delete_objects(request: Request, bucket_id: str) -> list[dict[str, Any]]:
        keys = (await _json(request)).get("prefixes")
        if not isinstance(keys, list):
            raise StorageRefusal("InvalidRequest", "body must have required property 'prefixes'")
        if desk.role(request) is not Role.SERVICE:
            return []
        removed = remove_objects(desk.store, desk.bucket(request, bucket_id).id, map(str, keys))
        for one in removed:
            if one.place == FOLDER:
                (desk.folder / one.file).unlink(missing_ok=True)
        return [one.row(one.key) | {"bucket_id": one.bucket_id, "version": one.version} for one in removed]

    @routes.get("/{bucket_id}/{key:path}")
    @routes.head("/{bucket_id}/{key:path}")
    async def download_object(request: Request, bucket_id: str, key: str) -> Response:
        return serve_object(request, gateway, desk.readable(request, bucket_id, key))

    return routes


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise StorageRefusal("InvalidRequest", "the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise StorageRefusal("InvalidRequest", "body must be object")
    return body


def _seconds(wanted: Any) -> int:
    text = str(wanted)
    if not text.isdecimal() or int(text) < 1:
        raise StorageRefusal("InvalidRequest", "body/expiresIn must be >= 1")
    return min(int(text), 10**9)
