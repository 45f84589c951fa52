"""`validate`, `plan`, `status`, `results`, `doctor`: what they say to people and to programs. None starts a run."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook

from cli.doctor_checks import Health, check_clock, check_disk, check_fx, check_ledger
from cli.screen.closing import show_copies
from cli.screen.console import console
from dailies.gateway.testing import RunningSandbox
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_writer import create_journal
from dailies.planning.outcome import Outcome
from dailies.report.output import is_stdout
from dailies.settings import load_settings
from tests.commandline import Said, dailies
from tests.factories import completed, make_entry, make_file, make_manifest, make_row, make_rows, make_tariff
from tests.gateway.sandbox_client import client_of
from tests.stubs import answering
from tests.workplace import DAILIES

Dailies = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Dailies:
    return lambda *arguments: dailies(capsys, *arguments)


@pytest.fixture
def in_sandbox(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    monkeypatch.setenv("GEEKHUB_API_KEY", sandbox.api_key)
    monkeypatch.setenv("GEEKHUB_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("DAILIES_FX", "*=20")
    return sandbox


def write(name: str, text: str) -> Path:
    Path(name).write_text(text, "utf-8")
    return Path(name)


def keep(*entries: LedgerEntry) -> LedgerFolder:
    folder = LedgerFolder.open(Path("data/ledger/sandbox"), "sandbox")
    with folder.lock():
        folder.put(entries)
    return folder


def bought_today(prompt: str, **changes: object) -> LedgerEntry:
    return completed(make_entry(prompt, **changes), completed_at=datetime.now(UTC))


def refused(prompt: str, **changes: object) -> LedgerEntry:
    why = {"error_code": "content_filter", "error": "refused by the content filter"}
    return make_entry(prompt, status=EntryStatus.FAILED, submitted_at=datetime.now(UTC), **why, **changes)


def test_validate_counts_the_rows_of_a_good_file(run: Dailies) -> None:
    said = run("validate", write("a.csv", "prompt\na lighthouse\n"))
    assert (said.code, said.out) == (0, "a.csv: 1 row, no mistakes.\n")


def test_validate_shows_three_equal_mistakes_counts_the_rest_and_tells_programs_all(run: Dailies) -> None:
    path = write("a.csv", "prompt,duration\n" + "a lighthouse,99\n" * 30)
    said = run("validate", path)
    assert said.code == 2
    assert said.err.count("99 s, but fal/kling-2 takes at most 10 s") == 3
    assert "... and 27 more of this kind" in said.err
    assert "30 mistakes. Nothing was sent." in said.err
    assert len(json.loads(run("validate", path, "--json").out)["mistakes"]) == 30


def test_validate_tells_programs_line_column_reason_and_remedy(run: Dailies) -> None:
    said = run("validate", write("a.csv", "prompt,duration\na lighthouse,99\n"), "--json")
    facts = json.loads(said.out)
    assert (said.code, facts["valid"]) == (2, False)
    assert facts["mistakes"][0]["line"] == 2
    assert facts["mistakes"][0]["column"] == "duration"
    assert facts["mistakes"][0]["remedy"] == "use 1 to 10"


def test_validate_and_status_start_no_sandbox(run: Dailies) -> None:
    run("validate", write("a.csv", "prompt\na lighthouse\n"))
    said = run("status")
    assert (said.code, said.out.splitlines()[-1]) == (0, "Nothing was run yet. Next: dailies plan prompts.csv")
    assert not Path("data").exists()


def test_plan_of_the_first_rows_prices_only_those(run: Dailies, in_sandbox: RunningSandbox) -> None:
    prompts = write("a.csv", "prompt\nred\ngreen\nblue\n")
    facts = json.loads(run("plan", prompts, "--limit", "2", "--json").out)
    assert (facts["to_do"], facts["worst_mxn"], facts["service"]) == (2, "8.400000", "sandbox")
    assert "Beyond --limit 2: 1 row." in run("plan", prompts, "--limit", "2").out


def test_a_plan_leaves_the_command_to_type_next(run: Dailies, in_sandbox: RunningSandbox) -> None:
    said = run("plan", write("my prompts.csv", "prompt\nred\n"), "--max-cost-mxn", "50", "--fit")
    assert said.out.splitlines()[-1] == "Next: dailies run 'my prompts.csv' --max-cost-mxn 50 --fit"
    said = run("--debug", "plan", "my prompts.csv", "--template", "{film} at dusk")
    assert said.out.splitlines()[-1] == "Next: dailies run 'my prompts.csv' --template '{film} at dusk'"


def test_results_of_a_file_that_was_never_run_say_so(run: Dailies) -> None:
    said = run("results", write("a.csv", "prompt\nred\ngreen\n"), "-o", "out/done.csv")
    assert said.code == 3
    assert "2 rows open. To continue: dailies run a.csv" in said.out
    assert Path("out/done.csv").read_text("utf-8").splitlines()[1].startswith("red,,,not claimed yet")


def test_results_as_json_hold_every_row_and_leave_standard_output_to_it(run: Dailies) -> None:
    row = make_row("red")
    keep(bought_today("red"))
    said = run("results", write("a.csv", "prompt\nred\ngreen\n"), "--json")
    facts = json.loads(said.out)
    assert [(row["line"], row["status"]) for row in facts["rows"]] == [(2, "completed"), (3, None)]
    assert facts["rows"][0]["row_key"] == row.row_key
    assert (facts["charged_mxn"], facts["open"], facts["exit_code"]) == ("4.200000", 1, said.code)


@pytest.mark.parametrize("verb", ["results a.csv", "failed a.csv", "report --source a.csv", "report"])
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("a.csv", "a.csv: the source itself would be overwritten; choose another name"),
        ("link.csv", "link.csv: the source itself would be overwritten; choose another name"),
        (".", "this is a folder; name a file in it"),
        ("pipe", "pipe: this is not a regular file; name one"),
        ("a.csv/b.csv", "a.csv/b.csv cannot be written (File exists); choose another place"),
    ],
)
def test_a_file_that_is_asked_for_takes_the_place_of_nothing_else(
    run: Dailies, in_sandbox: RunningSandbox, verb: str, output: str, message: str
) -> None:
    text = write("a.csv", "prompt\nred\n").read_text("utf-8")
    Path("link.csv").hardlink_to("a.csv")
    os.mkfifo("pipe")
    keep(refused("red", source="a.csv"))
    said = run(*verb.split(), "-o", output)
    assert message in said.err
    assert said.code == 2
    assert Path("a.csv").read_text("utf-8") == text
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("verb", ["status --json", "status", "results a.csv --output=-"])
def test_a_verb_whose_output_nobody_reads_ends_in_silence(verb: str) -> None:
    write("a.csv", "prompt\n" + "".join(f"shot {n} {'at dusk' * 20}\n" for n in range(1000)))
    keep(*(make_entry(f"shot {number}", source=f"{number}.csv") for number in range(2000)))
    ours, theirs = os.pipe()
    os.close(ours)
    said = subprocess.run([DAILIES, *verb.split()], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    assert not re.search("pipe|Traceback|Exception|defect", said.stderr), said.stderr
    assert said.returncode in (0, 3, 141)


def test_verifying_where_there_is_no_ledger_says_so_to_programs_too(run: Dailies) -> None:
    facts = json.loads(run("ledger", "verify", "--json").out)
    assert (facts["files"], facts["entries"], facts["findings"]) == (0, 0, [])
    keep(bought_today("red"))
    assert json.loads(run("ledger", "verify", "--json").out).keys() == facts.keys()


def test_a_report_that_finds_nothing_names_what_there_is(run: Dailies, in_sandbox: RunningSandbox) -> None:
    entry = bought_today("red")
    keep(entry)
    assert f"it has {load_settings().tariff.month(datetime.now(UTC))}" in run("report", "--month", "1999-13").err
    assert f"it has {entry.batch_id}" in run("report", "--batch", "none").err
    assert "it has prompts.csv" in run("report", "--source", "none.csv").err


def test_two_files_of_one_name_have_results_of_their_own(run: Dailies) -> None:
    for place in ("a", "b"):
        Path(place).mkdir()
        write(f"{place}/p.csv", f"prompt\n{place}\n")
        run("results", f"{place}/p.csv")
    written = sorted(path.read_text("utf-8").splitlines()[1] for path in Path("data/results").iterdir())
    assert [line.partition(",")[0] for line in written] == ["a", "b"]


def test_a_sheet_does_not_hide_that_its_workbook_would_be_overwritten(run: Dailies) -> None:
    book = Workbook()
    book.active.title = "Night"
    book.active.append(["prompt"])
    book.active.append(["red"])
    book.save("book.xlsx")
    said = run("results", "book.xlsx#Night", "-o", "./book.xlsx")
    assert (said.code, "the source itself would be overwritten" in said.err) == (2, True)


@pytest.mark.parametrize("dash", [["-o", "-"], ["--output=-"]])
def test_a_dash_is_standard_output_and_what_is_said_goes_elsewhere(
    run: Dailies, monkeypatch: pytest.MonkeyPatch, dash: list[str]
) -> None:
    assert is_stdout(Path("/dev/stdout"))
    monkeypatch.setattr("cli.app.STDIN_FILE", "stdin")  # a slip here must not cost root the device itself
    keep(refused("red", source="a.csv"))
    write("a.csv", "prompt\nred\n")
    said = run("results", "a.csv", *dash)
    assert said.out.splitlines()[1].startswith("red,failed,")
    assert "1 failed" in said.err
    said = run("failed", "a.csv", *dash)
    assert said.out.splitlines()[1].startswith(",red,fal/kling-2,5,")
    assert said.err == "1 failed row.\n"
    assert run("report", *dash).code == run("results", "a.csv", *dash, "--json").code == 2


def test_a_mirror_that_became_unusable_after_a_run_is_complained_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = LedgerFolder.open(tmp_path / "ledger", "sandbox")
    outcome = Outcome(make_file(*make_rows("red")), ())
    assert show_copies(console(), folder, outcome, load_settings(mirror_to="ftp://clips")) == 1
    assert "ftp://clips: a mirror goes to a folder" in capsys.readouterr().err


def test_status_tells_what_was_spent_by_model_and_by_metadata(run: Dailies) -> None:
    keep(
        bought_today("red", metadata={"client": "acme"}),
        bought_today("green", model="fal/luma-ray-2", metadata={"client": "bolt"}),
        bought_today("blue"),
    )
    facts = json.loads(run("status", "--json").out)
    assert {group["name"]: group["videos"] for group in facts["by_model"]} == {"fal/kling-2": 2, "fal/luma-ray-2": 1}
    assert {group["name"] for group in facts["by_metadata"]["client"]} == {"acme", "bolt", "(none)"}
    assert Decimal(facts["total"]["charged_mxn"]) == Decimal("12.60")
    said = run("status").out
    assert "by meta.client" in said
    assert said.splitlines()[-1] == "Nothing is open."


def test_status_leaves_out_what_other_months_were_charged(run: Dailies) -> None:
    keep(completed(make_entry("red"), completed_at=datetime.now(UTC) - timedelta(days=40)))
    assert json.loads(run("status", "--json").out)["total"]["videos"] == 0


def test_status_tells_what_is_open_and_the_next_command(run: Dailies) -> None:
    keep(make_entry("red", status=EntryStatus.PROCESSING, job_id="job-1", source="my prompts.csv"))
    said = run("status").out
    assert "Open in my prompts.csv: 1 processing; may still cost 4.20 MXN." in said
    assert said.splitlines()[-1] == "Next: dailies run 'my prompts.csv'"


def test_status_and_settle_tell_programs_what_is_open(run: Dailies, in_sandbox: RunningSandbox) -> None:
    with client_of(in_sandbox) as api:
        job = api.post("/videos/generations", json={"model": "fal/kling-2", "prompt": "red"}).json()["id"]
    in_sandbox.clock.advance(700)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    sent = make_entry("red", status=EntryStatus.PENDING, job_id=job, submitted_at=long_ago)
    keep(sent, make_entry("green", status=EntryStatus.IN_DOUBT))
    (source,) = json.loads(run("status", "--json").out)["open"]
    assert source == {"source": "prompts.csv", "statuses": {"pending": 1, "in_doubt": 1}, "possible_mxn": "8.400000"}
    facts = json.loads(run("settle", "--json").out)
    assert (facts["looked_at"], facts["open"]) == ({"completed": 1}, {"in_doubt": 1})
    assert facts["told"] == {"balance_mxn": "99995.80", "consumed_mxn": "4.20"}


def test_status_tells_living_runs_from_those_that_ended_early(run: Dailies) -> None:
    folder = keep()
    lock = create_journal(folder.journals, make_manifest(make_entry("red")))
    said = run("status").out
    assert "in progress, 0/1 rows ended (flow run run-1)." in said
    assert said.splitlines()[-1] == "A run of prompts.csv is in progress: wait for it."
    lock.release()
    said = run("status").out
    assert "interrupted" in said
    assert said.splitlines()[-1] == "Next: dailies run prompts.csv"


def test_doctor_finds_everything_in_place(run: Dailies, in_sandbox: RunningSandbox, prefectless: None) -> None:
    said = run("doctor")
    assert said.code == 0, said.out
    for name in ("service", "key", "balance", "clock", "fx", "ledger", "disk", "prefect"):
        assert f"{name} " in said.out
    assert "Everything is in place." in said.out


def test_doctor_names_the_remedy_of_what_is_wrong(
    run: Dailies, in_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, prefectless: None
) -> None:
    in_sandbox.set_balance(0)
    monkeypatch.setenv("DAILIES_FX", "2020-01=20")
    findings = {finding["name"]: finding for finding in json.loads(run("doctor", "--json").out)}
    assert findings["balance"]["remedy"] == "top up at GeekHub"
    assert findings["fx"]["verdict"] == "bad"
    assert run("doctor").code == 2


def test_doctor_says_when_something_else_answers(
    run: Dailies, in_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, prefectless: None
) -> None:
    with answering({}) as url:
        monkeypatch.setenv("GEEKHUB_BASE_URL", f"{url}/v1")
        said = run("doctor")
    assert "answers, but not as GeekHub does (HTTP 404).: check GEEKHUB_BASE_URL" in " ".join(said.out.split())
    assert said.code == 2


@pytest.fixture
def prefectless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Prefect server of this computer has a say."""
    monkeypatch.setattr("cli.prefect_server.find_server", lambda configured: None)


def test_a_clock_that_is_wrong_is_told_with_its_difference() -> None:
    now = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    (finding,) = check_clock("Mon, 30 Nov 2026 22:56:00 GMT", now)
    assert (finding.verdict, finding.found) == (Health.WARNING, "240 s ahead of the service's")
    (finding,) = check_clock("Mon, 30 Nov 2026 21:00:00 GMT", now)  # a run would refuse
    assert (finding.verdict, finding.found) == (Health.BAD, "7,200 s ahead of the service's")
    assert check_clock("Mon, 30 Nov 2026 23:00:59 GMT", now)[0].verdict is Health.OK
    assert check_clock(None, now) == check_clock("yesterday", now) == []


def test_a_month_without_fx_cannot_be_priced() -> None:
    now = datetime(2026, 12, 12, tzinfo=UTC)
    assert check_fx(make_tariff(), now).remedy.startswith("set DAILIES_FX=2026-12=")
    assert check_fx(make_tariff(fx={"*": Decimal(20)}), now).verdict is Health.OK


def test_a_ledger_is_tried_by_writing_and_locking(tmp_path: Path) -> None:
    assert check_ledger(tmp_path / "data/ledger").verdict is Health.OK
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    assert check_ledger(tmp_path / "file").verdict is Health.BAD
    assert check_disk(tmp_path).name == "disk"
