"""API keys as GeekHub's page "Authentication" describes them; only their hashes are kept."""

import hashlib
import hmac
import secrets
import sqlite3
import string
from dataclasses import dataclass

from dailies.gateway.errors import ApiError

PREFIX = "ghub_sk_test_"
RANDOM_CHARACTERS = 32
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the organisation, and the hash of the key it asks with."""

    org_id: str
    key_hash: str


def hash_key(api_key: str) -> str:
    """Return the form in which a key is stored: SHA-256, hexadecimal. A random key needs no salt."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def create_key(connection: sqlite3.Connection, org_id: str, now_us: int) -> str:
    """Make a key for an organisation and return it; only its hash is kept."""
    api_key = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    connection.execute("INSERT INTO keys VALUES (?, ?, ?, NULL)", (hash_key(api_key), org_id, now_us))
    return api_key


def revoke_key(connection: sqlite3.Connection, key_hash: str, now_us: int) -> None:
    """End a key; an ended or unknown one stays as it is."""
    connection.execute("UPDATE keys SET revoked_us = ? WHERE hash = ? AND revoked_us IS NULL", (now_us, key_hash))


def find_caller(connection: sqlite3.Connection, api_key: str) -> Caller:
    """Return the caller that this key belongs to.

    Raises:
        ApiError: ``invalid_api_key`` or ``key_revoked``.
    """
    key_hash = hash_key(api_key)
    row = connection.execute("SELECT * FROM keys WHERE hash = ?", (key_hash,)).fetchone()
    if row is None or not hmac.compare_digest(row["hash"], key_hash):
        raise ApiError("invalid_api_key", "The API key is not valid.")
    if row["revoked_us"] is not None:
        raise ApiError("key_revoked", "The API key was revoked.")
    return Caller(row["org_id"], key_hash)
