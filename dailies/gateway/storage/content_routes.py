"""POST, PUT, GET /object/{bucket}/{key} and DELETE /object/{bucket}."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dailies.gateway.routes.objects import serve_object
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.storage.keys import Role
from dailies.gateway.storage.objects import FOLDER, remove_objects
from dailies.gateway.storage.operations import Desk, read_json


def content_routes(desk: Desk) -> APIRouter:
    """Objects: upload, replace, download, remove."""
    routes = APIRouter(prefix="/object")

    @routes.post("/{bucket_id}/{key:path}")
    async def upload_object(request: Request, bucket_id: str, key: str) -> JSONResponse:
        upsert = request.headers.get("x-upsert") == "true"
        stored = await desk.store_upload(request, bucket_id, key, upsert=upsert)
        return JSONResponse({"Key": f"{bucket_id}/{key}", "Id": stored.id})

    @routes.put("/{bucket_id}/{key:path}")
    async def update_object(request: Request, bucket_id: str, key: str) -> JSONResponse:
        stored = await desk.store_upload(request, bucket_id, key, upsert=True)
        return JSONResponse({"Key": f"{bucket_id}/{key}", "Id": stored.id})

    @routes.get("/{bucket_id}/{key:path}")
    @routes.head("/{bucket_id}/{key:path}")
    async def download_object(request: Request, bucket_id: str, key: str) -> Response:
        return serve_object(request, desk.gateway, desk.readable(request, bucket_id, key))

    @routes.delete("/{bucket_id}")
    async def delete_objects(request: Request, bucket_id: str) -> list[dict[str, Any]]:
        keys = (await read_json(request)).get("prefixes")
        if not isinstance(keys, list):
            raise StorageRefusal("InvalidRequest", "body must have required property 'prefixes'")
        if desk.role(request) is not Role.SERVICE:
            return []
        removed = remove_objects(desk.store, desk.bucket(request, bucket_id).id, map(str, keys))
        for one in removed:
            if one.place == FOLDER:
                (desk.folder / one.file).unlink(missing_ok=True)
        return [one.row(one.key) | {"bucket_id": one.bucket_id, "version": one.version} for one in removed]

    return routes
