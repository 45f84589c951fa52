"""The address and key of a sandbox, kept in a file that only its owner can read."""

import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path

from dailies.system.private_files import write_private


@dataclass(frozen=True, slots=True)
class SandboxAddress:
    """A sandbox that was started.

    Attributes:
        base_url: for ``GEEKHUB_BASE_URL``, ending in ``/v1``.
        api_key: for ``GEEKHUB_API_KEY``; not shown by ``repr``.
        time_scale: what real waiting times are multiplied by.
        fx_mxn_per_usd: the rate at which it charged when it was started.
        pid: its process.
        org_id: UUID of the key's organisation.
        instance_id: UUID of its data folder.
    """

    base_url: str
    api_key: str = field(repr=False)
    time_scale: float
    fx_mxn_per_usd: Decimal
    pid: int
    org_id: str
    instance_id: str

    @property
    def root_url(self) -> str:
        """The address without ``/v1``: the page for the browser."""
        return self.base_url.removesuffix("/v1")

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.root_url.rpartition(":")[2])


def _path(data_dir: Path) -> Path:
    return data_dir / "connection.json"


def write_connection(data_dir: Path, address: SandboxAddress) -> None:
    """Keep the address in ``connection.json`` (mode 0600)."""
    kept = asdict(address) | {"fx_mxn_per_usd": str(address.fx_mxn_per_usd)}
    write_private(_path(data_dir), json.dumps(kept, indent=2) + "\n")


def read_connection(data_dir: Path) -> SandboxAddress | None:
    """Read the address that the folder's sandbox had at its last start; None if it never started."""
    try:
        kept = json.loads(_path(data_dir).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return SandboxAddress(**kept | {"fx_mxn_per_usd": Decimal(kept["fx_mxn_per_usd"])})
