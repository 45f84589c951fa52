"""The project's two keys, and the tokens of signed URLs: JSON Web Tokens, signed with the data folder's own secret.

The anon key may read what is public; the service key may do everything. Both are made from the secret, so they stay
the same as long as the folder exists, and the folder keeps only the secret.
"""

import secrets
import sqlite3
from enum import StrEnum
from typing import Any

import jwt

from dailies.gateway.storage.address import StorageAddress
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.store import read_setting, write_setting

ALGORITHM = "HS256"
SECRET = "storage_secret"  # noqa: S105 - the setting's name
# Any fixed times would do: the keys of a folder must not change, and outlive it.
ISSUED_AT = 1_735_689_600
EXPIRES_AT = 4_891_363_200


class Role(StrEnum):
    """The two roles that a key can have."""

    ANON = "anon"
    SERVICE = "service_role"


def ensure_secret(store: sqlite3.Connection) -> None:
    """Make the folder's secret, if it has none."""
    if read_setting(store, SECRET) is None:
        write_setting(store, SECRET, secrets.token_hex(32))


def make_key(store: sqlite3.Connection, role: Role) -> str:
    """Make the key of a role; it is the same at every call."""
    claims = {"iss": "supabase", "ref": "sandbox", "role": role.value, "iat": ISSUED_AT, "exp": EXPIRES_AT}
    return jwt.encode(claims, _secret(store), ALGORITHM)


def read_role(store: sqlite3.Connection, authorization: str | None) -> Role:
    """Read the role of the key in an ``Authorization`` header.

    Raises:
        StorageRefusal: there is no such header, or its key is not one of ours.
    """
    require_header(authorization)
    key = (authorization or "").rpartition(" ")[2]  # with or without "Bearer"
    try:
        return Role(jwt.decode(key, _secret(store), [ALGORITHM])["role"])
    except (jwt.PyJWTError, KeyError, ValueError):
        raise StorageRefusal("AccessDenied") from None


def require_header(authorization: str | None) -> None:
    """Require the header.

    Raises:
        StorageRefusal: it is missing.
    """
    if authorization is None:
        raise StorageRefusal("InvalidRequest", "headers must have required property 'authorization'")


def sign_url(store: sqlite3.Connection, path: str, now_s: float, lasts_s: int) -> str:
    """Make a token that opens one object for some seconds."""
    claims = {"url": path, "iat": int(now_s), "exp": int(now_s) + lasts_s}
    return jwt.encode(claims, _secret(store), ALGORITHM)


def check_signature(store: sqlite3.Connection, path: str, token: str, now_s: float) -> None:
    """Check that a token opens this object now.

    Raises:
        StorageRefusal: it does not.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token, _secret(store), [ALGORITHM], {"verify_exp": False, "verify_iat": False}
        )
    except jwt.InvalidSignatureError:
        raise StorageRefusal("InvalidJWT", "signature verification failed") from None
    except jwt.PyJWTError:
        raise StorageRefusal("InvalidJWT", "Invalid Compact JWS") from None
    if claims.get("url") != path:
        raise StorageRefusal("InvalidJWT", "signature verification failed")
    if float(claims.get("exp", 0)) <= now_s:
        raise StorageRefusal("InvalidJWT", '"exp" claim timestamp check failed')


def storage_address(store: sqlite3.Connection, base_url: str) -> StorageAddress:
    """Return where this sandbox's storage is, and both keys."""
    return StorageAddress(base_url, make_key(store, Role.ANON), make_key(store, Role.SERVICE))


def _secret(store: sqlite3.Connection) -> str:
    secret = read_setting(store, SECRET)
    assert secret is not None, "made when the folder is opened"
    return secret
