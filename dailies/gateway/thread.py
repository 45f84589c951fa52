"""Serves an open sandbox in a thread of this process, for tests: it stops at once."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from dailies.gateway.hosting.foreground import OpenSandbox
from dailies.gateway.hosting.server import configure_server

_ROUNDS = 5  # of the loop, until whoever was accepted just before is a connection, and one that was ended is gone


class PromptServer(uvicorn.Server):
    """uvicorn's server without its pauses of a tenth of a second, which add up over hundreds of tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Wait to be stopped."""
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)  # It sets the headers that every answer has.
        if not self.should_exit:
            await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's
        """Hang up on whoever is still there, and end the application."""
        for server in self.servers:
            server.close()
        for _ in range(_ROUNDS):
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()

    def stop(self) -> None:
        """Make ``run`` return soon; callable from any thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)


@contextmanager
def serve_in_thread(opened: OpenSandbox) -> Iterator[None]:
    """Serve until the block ends."""
    server = PromptServer(configure_server(opened.gateway))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened.listening]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join()
