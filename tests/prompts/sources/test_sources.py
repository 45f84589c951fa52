"""Where prompts come from: paths, patterns, URLs, standard input, several at once."""

import io
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dailies.errors import InputError
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import read_prompts
from dailies.prompts.sources.source_names import find_sources, refuse_stdin
from dailies.prompts.sources.stdin import keep_stdin


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    (tmp_path / "b.csv").write_text("prompt,id\nAn owl,1\nA fox,2\n")
    (tmp_path / "a.csv").write_text("prompt,meta.client\nA fox,Lucero\nA fox,\n")
    return tmp_path


def labels(*names: str) -> list[str]:
    return [source.label for source in find_sources(names)]


def test_a_pattern_stands_for_its_files_in_order(shots: Path) -> None:
    assert labels("*.csv") == ["a.csv", "b.csv"]
    assert labels("b.csv", "*.csv") == ["b.csv", "a.csv"]
    assert labels(f"{shots}/**/[ab].csv") == [f"{shots}/a.csv", f"{shots}/b.csv"]


def test_a_file_is_read_once_however_it_is_named(shots: Path) -> None:
    (shots / "c.csv").symlink_to("a.csv")
    assert labels("a.csv", "./a.csv", str(shots / "a.csv"), "*.csv") == ["a.csv", "b.csv"]


def test_a_name_that_exists_is_no_pattern(shots: Path) -> None:
    (shots / "a[1].csv").write_text("prompt\nA cat\n")
    assert labels("a[1].csv") == ["a[1].csv"]


def test_a_pattern_that_fits_nothing_is_refused(shots: Path) -> None:
    with pytest.raises(InputError, match=r"\*\.xlsx: no file fits this pattern"):
        find_sources(["*.xlsx"])


def test_rows_keep_their_source_and_line(shots: Path) -> None:
    file = read_prompts(["b.csv", "a.csv"])
    assert [(row.source, row.source_line, row.prompt) for row in file.rows] == [
        ("b.csv", 2, "An owl"),
        ("b.csv", 3, "A fox"),
        ("a.csv", 3, "A fox"),
    ]
    assert (file.source, file.columns, file.record_count) == ("b.csv+1", ("prompt", "id", "meta.client"), 4)


def test_the_same_request_in_two_sources_is_one_row(shots: Path) -> None:
    file = read_prompts(["b.csv", "a.csv"])
    (repeat,) = file.repeats
    assert (repeat.source, repeat.source_line) == ("a.csv", 2)
    assert repeat.row_key == file.rows[1].row_key


def test_keys_do_not_depend_on_what_is_read_together(shots: Path) -> None:
    alone = [row.row_key for name in ("a.csv", "b.csv") for row in read_prompts(name).rows]
    together = read_prompts(["a.csv", "b.csv"])
    assert set(alone) == {row.row_key for row in together.rows}


def test_faults_of_every_source_are_told_at_once(shots: Path) -> None:
    (shots / "c.csv").write_text("prompt,duration\nA fox,99\n")
    (shots / "d.csv").write_text("")
    with pytest.raises(InputError) as refused:
        read_prompts(["c.csv", "d.csv", "none.csv"], ReadOptions(skip_bad_rows=True))
    assert [error.source for error in refused.value.errors] == ["d.csv", "none.csv"]


def test_the_first_records_go_over_the_sources(shots: Path) -> None:
    first = read_prompts(["b.csv", "a.csv"]).first(3)
    assert first.record_count == 3
    assert [row.prompt for row in first.rows] == ["An owl", "A fox"]
    assert [row.source for row in first.repeats] == ["a.csv"]
    assert first.first(1).source == "b.csv"


def test_a_url_is_read_by_fsspec() -> None:
    import fsspec

    with fsspec.open("memory://shots/night.csv", "wb") as file:
        file.write(b"prompt\nA fox\n")
    (row,) = read_prompts("memory://shots/night.csv").rows
    assert (row.source, row.source_line) == ("memory://shots/night.csv", 2)
    assert read_prompts("memory://shots/n*.csv").rows[0].row_key == row.row_key


def test_no_secret_of_a_url_goes_anywhere() -> None:
    (source,) = find_sources(["https://user:secret@host.test/a/shots.csv?token=secret"])
    assert source.label == "https://host.test/a/shots.csv?" + source.label[-8:]
    assert source.format == "csv"
    with pytest.raises(InputError) as refused:
        read_prompts("https://user:secret@host.test/a/shots.csv?token=secret")
    assert "secret" not in str(refused.value)


def test_the_web_is_read_without_more_packages() -> None:
    class Shots(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/export?format=csv"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(b"prompt\nA fox\n")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Shots) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/export"
        assert read_prompts(f"{url}?format=csv").rows[0].prompt == "A fox"
        with pytest.raises(InputError, match=r"the URL cannot be opened .*404"):
            read_prompts(f"{url}.csv")
        server.shutdown()


@pytest.mark.parametrize(
    "url", ["memory://none.csv", "nonsense://x.csv", "s3://bucket/none.csv", "http://127.0.0.1:9/x.csv"]
)
def test_a_url_that_cannot_be_opened_is_told(url: str) -> None:
    with pytest.raises(InputError) as refused:
        read_prompts(url)
    (error,) = refused.value.errors
    assert error.source == url
    assert error.remedy


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="pip install gcsfs"):
        read_prompts("gs://bucket/shots.csv")


# Standard input


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("content", [b"prompt\nA fox\n", b' {"prompt": "A fox"}\n'])
def test_standard_input_is_called_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    feed(monkeypatch, content)
    (row,) = read_prompts("-").rows
    assert (row.source, row.prompt) == ("stdin", "A fox")


def test_standard_input_is_kept_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, b'{"prompt": "A fox"}\n')
    names, kept = keep_stdin(("a.csv", "/dev/stdin"), tmp_path / "inputs")
    (path,) = kept
    assert names == ("a.csv", str(path))
    assert path.suffix == ".jsonl"
    assert [row.prompt for row in read_prompts(path).rows] == ["A fox"]
    assert keep_stdin(("a.csv",), tmp_path) == (("a.csv",), ())


def test_a_pipe_is_kept_for_a_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    Thread(target=(tmp_path / "pipe").write_bytes, args=(b"prompt\nA fox\n",)).start()
    (name,), (path,) = keep_stdin((str(tmp_path / "pipe"),), tmp_path / "inputs")
    assert name == str(path)
    assert path.read_bytes() == b"prompt\nA fox\n"


def test_a_flow_has_no_standard_input() -> None:
    with pytest.raises(InputError, match="a flow has no standard input; name a file"):
        refuse_stdin(["a.csv", "-"])


def test_a_format_without_an_ending_is_told_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "shots").write_bytes(b'{"prompt": "A fox"}')
    assert read_prompts("shots").rows[0].prompt == "A fox"


def test_a_tsv_has_tabs_only(tmp_path: Path) -> None:
    (tmp_path / "shots.tsv").write_text("prompt\tid\nA fox, red; at dawn\t1\n")
    assert read_prompts("shots.tsv").rows[0].prompt == "A fox, red; at dawn"
