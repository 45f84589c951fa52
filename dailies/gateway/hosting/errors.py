"""The error of a sandbox that cannot run; its file imports nothing, so that a command can name it quickly."""


class SandboxError(RuntimeError):
    """The sandbox cannot start, stop or be reached; the message says the remedy."""
