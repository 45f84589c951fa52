"""An embedded, honest GeekHub-compatible gateway: real HTTP, real SQLite, real videos, no money.

Importing this package is quick; the web server is imported by whoever runs one (``foreground``, ``testing``).
"""

from dailies.gateway.errors import SandboxError
from dailies.gateway.hosting.address import SandboxAddress
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
