"""A web server with the answers that a test chooses: for servers that are not GeekHub, not Prefect, or outdated."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answers = Mapping[str, tuple[int, str]]
"""Status and body by path; any other path gets 404 and an HTML page."""

NOT_FOUND = (404, "<html><body>Not found</body></html>")


@contextlib.contextmanager
def answering(answers: Answers, *, date: str | None = None, heard: list[str] | None = None) -> Iterator[str]:
    """Serve until the block ends, and yield the address without a path.

    ``date`` replaces the header of that name, ``heard`` takes a line for each request, such as ``POST /v1/videos``.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if heard is not None:
                heard.append(f"{self.command} {self.path}")
            status, body = answers.get(self.path, NOT_FOUND)
            self.send_response_only(status)
            self.send_header("date", date or self.date_time_string())
            self.send_header("content-type", "text/html" if body.startswith("<") else "application/json")
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
