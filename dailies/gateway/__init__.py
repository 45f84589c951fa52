"""Our own implementation of GeekHub's API: real HTTP, real SQLite, real videos, no money.

Importing this package is quick; only ``serve`` and ``dailies.gateway.testing`` import the web server.
"""

from dailies.gateway.hosting.address import SandboxAddress
from dailies.gateway.hosting.errors import SandboxError
from dailies.gateway.hosting.process import read_address, start_sandbox, stop_sandbox
from dailies.gateway.options import SandboxOptions

__all__ = [
    "SandboxAddress",
    "SandboxError",
    "SandboxOptions",
    "read_address",
    "serve",
    "start_sandbox",
    "stop_sandbox",
]


def serve(options: SandboxOptions) -> None:
    """Run a sandbox in the foreground until SIGINT or SIGTERM; see ``foreground.serve``."""
    from dailies.gateway.hosting.foreground import serve as serve_in_foreground

    serve_in_foreground(options)
