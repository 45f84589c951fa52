"""A Prefect server, as much of it as the command has to know."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """The address of a server's API, and its process id if we started it."""

    api_url: str
    pid: int | None = None

    @property
    def ui_url(self) -> str:
        """Where a person looks."""
        return self.api_url.removesuffix("/api")
