"""Storage routes: odd bodies, keys, options and headers. No 5xx, and the buckets can be listed after each case."""

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from dailies.gateway.testing import running_sandbox

CASES = 1_500
NAMES = (
    "open",
    "clips",
    "a b",
    "..",
    ".",
    "ñ",
    "%",
    "x" * 200,
    "a\0b",
    "a\nb",
    "generated-videos",
    "",
    "0",
    "list",
    "sign",
)
KEYS = (
    "a.mp4",
    "a/b.mp4",
    "a//b",
    "/a",
    "../../sandbox.sqlite3",
    "%2e%2e/x",
    "\udcff",
    "ñ",
    "x" * 2000,
    "a\0",
    "",
    " ",
)
FIELDS = (
    *("id", "name", "public", "file_size_limit", "allowed_mime_types", "prefix", "limit", "offset", "search"),
    *("sortBy", "column", "order", "expiresIn", "prefixes", "cacheControl", "metadata"),
)


def cases(chance: random.Random) -> Iterator[str | None]:
    """Send requests to a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder)) as sandbox:
        headers = {"authorization": f"Bearer {sandbox.storage.service_key}"}
        with httpx.Client(base_url=f"{sandbox.root_url}/storage/v1", headers=headers, timeout=30) as api:
            api.post("/bucket", json={"name": "open", "public": True}).raise_for_status()
            for _ in range(CASES):
                yield _case(api, chance)


def _case(api: httpx.Client, chance: random.Random) -> str | None:
    method, path, options = _request(chance)
    try:
        answer = api.request(method, path, **options)
        listed = api.get("/bucket")
    except httpx.TransportError as error:
        return f"{error!r} at {method} {path} {str(options)[:200]}"
    if answer.status_code >= 500:
        return f"{answer.status_code} to {method} {path} {str(options)[:200]}"
    if listed.status_code != 200:
        return f"the buckets cannot be listed after {method} {path} {str(options)[:200]}"
    return None


def _request(chance: random.Random) -> tuple[str, str, dict[str, Any]]:
    bucket, key = ("/" + quote(chance.choice(words), errors="surrogatepass") for words in (NAMES, KEYS))
    at = bucket + key
    method, path = chance.choice(
        (
            *(("POST", "/bucket"), ("GET", "/bucket"), ("GET", f"/bucket{bucket}")),
            *(("POST", f"/object/list{bucket}"), ("DELETE", f"/object{bucket}")),
            *(("POST", f"/object{at}"), ("PUT", f"/object{at}"), ("GET", f"/object{at}"), ("HEAD", f"/object{at}")),
            *(("GET", f"/object/info{at}"), ("POST", f"/object/sign{at}"), ("GET", f"/object/sign{at}?token=x.y.z")),
            *(("GET", f"/object/public{at}"), ("HEAD", f"/object/public{at}")),
        )
    )
    options: dict[str, Any] = {"headers": _headers(chance)}
    if method in ("POST", "PUT", "DELETE"):
        options |= _body(chance)
    return method, path, options


def _headers(chance: random.Random) -> dict[str, bytes]:
    odd = {
        "range": chance.choice(
            ("bytes=0-", "bytes=-1", "bytes=5-2", "bytes=99999999999999999999-", "x", "bytes=0-1,3-4")
        ),
        "if-none-match": chance.choice(("*", '"x"', "W/x,", ",,,", "\xff")),
        "x-upsert": chance.choice(("true", "false", "TRUE", "1", "")),
        "content-type": chance.choice(
            ("multipart/form-data", "multipart/x; boundary=", "application/json", "text/html", "\xff")
        ),
        "authorization": chance.choice(("Bearer x", "x", "Bearer a.b.c", "Bearer", "\xff")),
    }
    return {name: value.encode("latin-1") for name, value in odd.items() if chance.random() < 0.15}


def _body(chance: random.Random) -> dict[str, Any]:
    match chance.randrange(5):
        case 0:
            kind = chance.choice(("video/mp4", "text/html", "\xff", "", "a" * 5_000, "x\r\ny: z"))
            data = {"cacheControl": ascii(_value(chance)), "metadata": json.dumps(_value(chance))}
            return {"files": {"file": (chance.choice(KEYS[:3]), b"x" * chance.randrange(3_000), kind)}, "data": data}
        case 1:
            depth = chance.choice((10, 1_000, 30_000))
            return {"content": b"[" * depth + b"]" * chance.choice((0, depth))}
        case 2:
            return {"content": chance.randbytes(chance.randrange(200))}
        case _:
            names = chance.sample(FIELDS, chance.randrange(1, 6))
            return {"content": json.dumps({name: _value(chance) for name in names}).encode()}


def _value(chance: random.Random, depth: int = 0) -> Any:
    plain = (
        None,
        True,
        0,
        -1,
        1,
        2**31,
        2**63,
        2**70,
        10**400,
        1.5,
        -0.0,
        "",
        "x",
        "60",
        "²",
        "٣",
        "20MB",
        "1e9",
        "\ud800",
        "\0",
    )
    match chance.randrange(4 if depth < 3 else 1):
        case 1:
            return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
        case 2:
            return {chance.choice(FIELDS): _value(chance, depth + 1) for _ in range(chance.randrange(4))}
        case _:
            return chance.choice(plain)
