"""The routes below /storage/v1 that the Supabase client calls (the public URLs are in ``routes/objects.py``)."""

from fastapi import APIRouter

from dailies.gateway.gateway import Gateway
from dailies.gateway.storage.bucket_routes import bucket_routes
from dailies.gateway.storage.content_routes import content_routes
from dailies.gateway.storage.lookup_routes import lookup_routes
from dailies.gateway.storage.operations import Desk


def storage_routes(gateway: Gateway) -> APIRouter:
    """All of them. The order matters: the first route that fits is taken."""
    desk = Desk(gateway)
    routes = APIRouter(prefix="/storage/v1", include_in_schema=False)
    for part in (bucket_routes(desk), lookup_routes(desk), content_routes(desk)):
        routes.include_router(part)
    return routes
