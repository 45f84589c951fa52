"""No request leads to the local network, however the address is written, named or redirected to."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from dailies.system.network import LocalAddressError, guarded_client, is_local_service, is_public

LOCAL = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1"),
)
PUBLIC = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


def test_addresses_of_the_local_network_are_told_from_public_ones() -> None:
    assert [address for address in LOCAL if is_public(address)] == []
    assert [address for address in PUBLIC if not is_public(address)] == []


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """A server of this machine that redirects where its path says; the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            to = self.path.partition("?to=")[2]
            self.send_response(302 if to else 200)
            if to:
                self.send_header("location", to)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running.server_address[1], asked
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "[::1]", "2130706433", "0x7f.1", "127.1"])
async def test_a_local_server_is_never_asked(server: tuple[int, list[str]], host: str) -> None:
    port, asked = server
    async with guarded_client(allow_local=False) as http:
        with pytest.raises(LocalAddressError):
            await http.get(f"http://{host}:{port}/")
    assert asked == []


async def test_a_name_that_leads_to_this_machine_is_refused(
    server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is public when it is looked up for the first time: the connection goes to what was checked."""
    port, asked = server
    look_up = socket.getaddrinfo

    def local(host: Any, *given: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == "videos.example" else host, *given, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    async with guarded_client(allow_local=False) as http:
        with pytest.raises(LocalAddressError, match=r"videos\.example is an address of the local network"):
            await http.get(f"http://videos.example:{port}/")
    assert asked == []


async def test_a_redirect_to_a_link_local_address_is_refused_even_where_local_ones_are_allowed(
    server: tuple[int, list[str]],
) -> None:
    port, asked = server
    async with guarded_client(allow_local=True) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/a?to=http://127.0.0.1:{port}/b")).status_code == 200
        with pytest.raises(LocalAddressError):
            await http.get(f"http://127.0.0.1:{port}/c?to=http://169.254.169.254/latest/meta-data")
    assert [path[:2] for path in asked] == ["/a", "/b", "/c"]


async def test_a_redirect_from_a_public_name_to_this_machine_is_refused(
    server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = server
    monkeypatch.setattr("dailies.system.network.is_public", lambda address: address == "127.0.0.1")
    async with guarded_client(allow_local=False) as http:
        with pytest.raises(LocalAddressError):
            await http.get(f"http://127.0.0.1:{port}/?to=http://127.0.0.2:{port}/secret")
    assert len(asked) == 1


def test_a_service_of_the_local_network_is_recognised() -> None:
    assert is_local_service("http://127.0.0.1:8000/v1")
    assert is_local_service("http://localhost/v1")
    assert not is_local_service("http://1.1.1.1/v1")
    assert not is_local_service("http://no-such-host.invalid/v1")
