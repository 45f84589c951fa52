"""Hostile sources: places that are none, bombs, and a web that does not end. Each gets a message, in bounded memory.

The bombs are an eighth of real ones, and so are the limits that they meet.
"""

import gzip
import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dailies.errors import InputError
from dailies.mirror.names import plain_name
from dailies.prompts.options import AS_WRITTEN, ReadOptions
from dailies.prompts.reader import read_prompts
from dailies.prompts.sources import budget
from dailies.prompts.sources.web import WebError, download
from dailies.prompts.templates import check_template, escape, fill
from dailies.system import addresses

ROOM = 400 * 2**20


def refusal(name: str, *, folders: tuple[Path, ...] = (), options: ReadOptions = AS_WRITTEN) -> str:
    with pytest.raises(InputError) as refused:
        read_prompts(name, options, folders=folders, quote=True)
    return str(refused.value)


# Places


@pytest.mark.parametrize(
    "name",
    [
        "reference://x",
        "simplecache::s3://bucket/a.csv",
        "zip://a.csv::https://host.test/a.zip",
        "s3://bucket/a.csv::memory://b",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "local:///etc/passwd",
        "dir://x",
        "sftp://host/a.csv",
        "data://text/plain,prompt",
        "github://a:b@main/a.csv",
        "http://[::1",
    ],
)
def test_only_a_few_protocols_are_read_and_no_chains(name: str) -> None:
    message = refusal(name)
    assert any(words in message for words in ("chains of URLs", "is not read", "is no protocol", "malformed"))


def test_sources_are_held_to_their_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("prompt\nA fox\n")
    (inside / "link.csv").symlink_to(outside / "a.csv")
    assert read_prompts("in/a.csv", folders=(inside,)).rows
    assert read_prompts("in/a*.csv", folders=(inside,)).rows
    for name in ("out/a.csv", "in/../out/a.csv", "in/link.csv", "in/*.csv", str(outside / "a.csv"), "in/../in2/a.csv"):
        assert "does not lie in the folder of sources" in refusal(name, folders=(inside,))


def test_settings_and_words_of_what_is_no_table_stay_unread() -> None:
    Path(".env").write_text("GEEKHUB_API_KEY=ghub_sk_live_0123456789abcdef0123456789\n")
    Path("key.txt").write_text("GEEKHUB_API_KEY=ghub_sk_live_0123456789abcdef0123456789\nDAILIES_FX=*=20\n")
    assert "a file of settings" in refusal(".env", options=ReadOptions(lines=True))
    for options in (
        AS_WRITTEN,
        ReadOptions(columns="auto", others="meta"),
        ReadOptions(no_header=True, columns="prompt=2"),
    ):
        message = refusal("key.txt", options=options)
        assert "ghub" not in message
        assert "GEEKHUB" not in message
        assert "--lines" not in message.splitlines()[-1] or "or each line" in message


# Bombs


def bombs() -> dict[str, bytes]:
    made: dict[str, bytes] = {"gz.csv.gz": gzip.compress(b"prompt\n" + b"A fox runs\n" * 4_000_000, 1)}
    for name, part in {
        "strings.xlsx": ("xl/sharedStrings.xml", b"<sst>" + b"<si><t>a</t></si>" * 1_200_000),
        "bytes.xlsx": ("xl/worksheets/sheet1.xml", b" " * (40 * 2**20)),
        "styles.xlsx": ("xl/styles.xml", b"<xf/>" * 1_000_000),
    }.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(*part)
        made[name] = out.getvalue()
    table = pa.table({"prompt": pa.DictionaryArray.from_arrays(pa.array([0] * 1_000, pa.int32()), ["x" * 2**20])})
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    made["words.parquet"] = out.getvalue()
    out = io.BytesIO()
    pq.write_table(pa.table({"prompt": pa.nulls(3_000_000, pa.string())}), out)
    made["rows.parquet"] = out.getvalue()
    made["keys.jsonl"] = b"\n".join(json.dumps({"prompt": "A fox", f"k{n}": 1}).encode() for n in range(20_000))
    return made


PROGRAM = """
import resource, sys
from dailies.prompts.sources import budget
budget.MAX_BYTES, budget.MAX_CELLS, budget.MAX_CHARACTERS = 32 * 2**20, 2_000_000, 32 * 2**20
import pyarrow.compute, pyarrow.parquet
from dailies.prompts.sources import excel
excel._MAX_BYTES, excel._MAX_PART_BYTES, excel._MAX_TEXTS = 32 * 2**20, 2 * 2**20, 250_000
from dailies.prompts.reader import read_prompts
from dailies.errors import InputError
from dailies.mirror.names import plain_name
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        read_prompts(name)
    except InputError as error:
        print(name, str(error).splitlines()[0])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_small_file_that_unpacks_to_too_much_is_refused_in_little_memory() -> None:
    files = bombs()
    for name, content in files.items():
        assert len(content) < 3 * 2**20, name
        Path(name).write_bytes(content)
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    *lines, grown = ran.stdout.splitlines()
    assert len(lines) == len(files), ran.stdout
    assert all("more than" in line or "at most" in line for line in lines), lines
    assert int(grown) * 1024 < ROOM


def test_a_row_at_the_last_column_of_excel_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from openpyxl import Workbook

    monkeypatch.setattr(budget, "MAX_CELLS", 100_000)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("x")
    for _ in range(50):
        sheet.append(["A fox", *[None] * 5_000, "x"])
    book.save("wide.xlsx")
    message = refusal("wide.xlsx")
    assert "at most 1,000 are read" in message or "more than 100,000 cells" in message


def test_hostile_braces_cost_no_more_than_their_length() -> None:
    for text in ("{" * 200_000, "{a" * 100_000, "{" * 100_000 + "a" + "}" * 100_000, "{a b" * 50_000, "}" * 200_000):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        fill(text, {"a": "x"}, ("a",))
        escape(text)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 20  # 68 s for a fifth of it, when quadratic


def test_marks_without_end_are_refused_before_they_are_put_in_order() -> None:
    pile = "a" + "\u0301\u0316" * 60_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    Path("a.csv").write_text(f"prompt,meta.x\n{pile},\nA fox,{pile}\n", "utf-8")
    assert refusal("a.csv").count("a hundred marks on one letter") == 2
    part = "\u0301\u0316" * 45
    Path("b.csv").write_text(f"prompt,meta.x\n{'{x}' * 1_000},{part}\n", "utf-8")
    assert "a hundred marks on one letter" in refusal("b.csv")
    assert plain_name(pile + "b" + "." * 100_000 + "c") == "a"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 20  # 38 s for each, when quadratic
    Path("c.csv").write_text("prompt,id\nZ\u0301\u0316\u0302algo,1\n", "utf-8")
    assert read_prompts("c.csv").rows


def test_a_prompt_that_is_filled_without_end_is_refused() -> None:
    _, faults = fill("{a}" * 1_000, {"a": "x" * 10_000}, ("a",))
    assert "more than 100,000 characters" in faults[0].reason
    assert not check_template("{a}" * 1_000, ("a",))


# The web


@pytest.fixture
def web() -> Iterator[str]:
    class Hostile(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            try:
                while self.path == "/endless":
                    self.wfile.write(b"A fox\n" * 10_000)
                while self.path == "/slow":
                    self.wfile.write(b"A")
                    self.wfile.flush()
                    self.server.stopped.wait(0.05)  # type: ignore[attr-defined]
                self.wfile.write(b"prompt\nA fox\n")
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    from threading import Event

    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        server.stopped = Event()  # type: ignore[attr-defined]
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.stopped.set()  # type: ignore[attr-defined]
        server.shutdown()


def test_a_source_on_the_web_has_a_limit_and_a_deadline(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dailies.prompts.sources.web.MAX_BYTES", 2**20)
    with pytest.raises(WebError, match="more than 1 MiB"):
        download(f"{web}/endless")
    with pytest.raises(WebError, match=r"did not arrive within 0\.5 s"):
        download(f"{web}/slow", deadline_s=0.5)
    assert "more than 1 MiB" in refusal(f"{web}/endless")


def test_a_redirect_leads_to_no_other_kind_of_place(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert download(f"{web}/to/{web}/a.csv") == b"prompt\nA fox\n"
    for target in ("file:///etc/passwd", "ftp://host.test/a", "http://169.254.169.254/latest", "https:///a"):
        with pytest.raises(WebError):
            download(f"{web}/to/{target}")
    with pytest.raises(WebError, match="more than 5 times"):
        download(f"{web}/to//to//to//to//to//to//to//to/{web}/a.csv")
    monkeypatch.setattr("dailies.prompts.sources.web._is_local", lambda url: "/to/" not in url)
    with pytest.raises(WebError, match="redirects to the local network"):
        download(f"{web}/to/{web}/inside")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.7", "192.168.1.1", "::1", "169.254.169.254", "::ffff:127.0.0.1"]
)
def test_addresses_of_the_local_network_are_known(host: str) -> None:
    assert addresses.is_local(host)
    assert not addresses.is_local("8.8.8.8")
    assert addresses.is_link_local("169.254.169.254")
