"""An embedded, honest GeekHub-compatible gateway: real HTTP, real SQLite, real videos, no money.

Importing this package is quick; the web server is imported by whoever runs one (``foreground``, ``testing``).
"""

from dailies.sandbox.address import SandboxAddress
from dailies.sandbox.errors import SandboxError
from dailies.sandbox.options import SandboxOptions
from dailies.sandbox.process import read_address, start_sandbox, stop_sandbox

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
    from dailies.sandbox.foreground import serve as serve_in_foreground

    serve_in_foreground(options)
