"""What people get wrong in their first hour: each mistake, its one message with the remedy, and the exit code.

Exit code 2 everywhere: refused before anything was spent.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

import pytest

from dailies.ledger.folder import LedgerFolder
from tests.cli.place import REVOKED, Place
from tests.commandline import dailies
from tests.factories import TEST_KEY


def _nothing(place: Place) -> None: ...


class Mistake(NamedTuple):
    """A command, the mistake before it, and what its one message must contain (a regular expression)."""

    name: str
    command: str
    message: str
    prepare: Callable[[Place], object] = _nothing


def _file_for_folder(place: Place, name: str) -> None:
    target = place.path / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("not a folder")


def _send_nothing(place: Place) -> None:
    place.send(b"")


MISTAKES = [
    # The CSV
    Mistake("no such file", "plan nowhere.csv", "nowhere.csv: there is no such file; check the name"),
    Mistake("an empty pipe", "run -", "standard input: nothing came in", _send_nothing),
    Mistake("a folder", "plan .", "this is a folder"),
    Mistake("an empty file", "plan prompts.csv", "the file is empty", lambda place: place.csv("")),
    Mistake("a header without rows", "plan prompts.csv", "no rows; add a row", lambda place: place.csv("prompt\n")),
    Mistake(
        "no column of prompts",
        "validate prompts.csv",
        "there is no column prompt.*\nThis reads it: dailies plan prompts.csv --columns prompt=1",
        lambda place: place.csv("text\na lighthouse\n"),
    ),
    Mistake(
        "a column misspelt",
        "validate prompts.csv",
        "column 2 looks like duration\nThis reads it: dailies plan prompts.csv --columns duration=2",
        lambda place: place.csv("prompt,duraton\na lighthouse,5\n"),
    ),
    Mistake(
        "a model misspelt",
        "plan prompts.csv",
        "line 2, column model: there is no model fal/klingg-2; did you mean fal/kling-2",
        lambda place: place.csv("prompt,model\na lighthouse,fal/klingg-2\n"),
    ),
    Mistake(
        "too long a video",
        "run prompts.csv --yes",
        "line 2, column duration: 12 s, but fal/kling-2 takes at most 10 s; use 1 to 10",
        lambda place: place.csv("prompt,duration\na lighthouse,12\n"),
    ),
    Mistake(
        "a comma without quotes",
        "plan prompts.csv",
        "line 2: the line has 3 cells.*put double quotes",
        lambda place: place.csv("prompt,id\na cat, a hat,one\n"),
    ),
    Mistake(
        "an id twice",
        "plan prompts.csv",
        "line 3, column id: one is already the id of line 2; give each row its own id",
        lambda place: place.csv("prompt,id\na cat,one\na hat,one\n"),
    ),
    # The command line
    Mistake("a verb misspelt", "plann prompts.csv", 'Unknown command "plann".*plan.*dailies --help'),
    Mistake("no CSV named", "plan", "CSV.*dailies plan --help"),
    Mistake("an option misspelt", "run prompts.csv --max-cost 500", "--max-cost.*dailies run --help"),
    Mistake(
        "an endless command line",
        "run" + " prompts.csv" * 1001,
        "1,001 sources are too many to name .* put the pattern in quotes",
    ),
    Mistake("a limit of nothing", "run prompts.csv --limit 0", "--limit.*Must be >= 1"),
    Mistake("a cap that is no number", "run prompts.csv --max-cost-mxn lots", "lots.*dailies run --help"),
    Mistake(
        "a negative cap", "run prompts.csv --max-cost-mxn=-5", "DAILIES_MAX_COST_MXN: .*greater than or equal to 0"
    ),
    Mistake("results into a folder", "results prompts.csv -o .", r"this is a folder; name a file in it"),
    # The settings
    Mistake(
        "a key cut short",
        "plan prompts.csv",
        "GEEKHUB_API_KEY: this is not a GeekHub key.*copy it again",
        lambda place: place.set(GEEKHUB_API_KEY="ghub_sk_live_123"),
    ),
    Mistake(
        "an address without http",
        "plan prompts.csv",
        "GEEKHUB_BASE_URL.*https?",
        lambda place: place.set(GEEKHUB_BASE_URL="api.geekhub.mx/v1"),
    ),
    Mistake(
        "no FX for this month",
        "plan prompts.csv",
        r"No FX for \d{4}-\d\d.*set DAILIES_FX=\d{4}-\d\d=",
        lambda place: place.unset("DAILIES_FX"),
    ),
    Mistake(
        "FX in the wrong form",
        "plan prompts.csv",
        "DAILIES_FX: '18.45' is not of the form 2026-11=18.45",
        lambda place: place.set(DAILIES_FX="18.45"),
    ),
    Mistake(
        "a cap with a slip in its name",
        "plan prompts.csv",
        "DAILIES_MAX_COST_MNX: there is no such setting; did you mean DAILIES_MAX_COST_MXN",
        lambda place: place.set(DAILIES_MAX_COST_MNX="100"),
    ),
    Mistake(
        "a setting out of bounds",
        "plan prompts.csv",
        "DAILIES_BATCH_SIZE: .*greater than or equal to 1",
        lambda place: place.set(DAILIES_BATCH_SIZE="0"),
    ),
    Mistake(
        "an .env that is no text",
        "plan prompts.csv",
        r"\.env: this is not text in UTF-8",
        lambda place: (place.path / ".env").write_bytes(b"DAILIES_FX=\xff"),
    ),
    # The mirror
    Mistake("a mirror of another kind", "run prompts.csv --mirror-to ftp://foo", "ftp://foo: .*Nothing was spent"),
    Mistake("a mirror without a bucket", "run prompts.csv --mirror-to supabase://", "a bucket and its prefix"),
    Mistake("a bucket without its key", "run prompts.csv --mirror-to supabase://clips", "SUPABASE_URL.*Nothing was"),
    Mistake(
        "a mirror that cannot be written",
        "run prompts.csv",
        "file/videos cannot be written: Not a directory; choose another one. Nothing was spent",
        lambda place: (_file_for_folder(place, "file"), place.set(DAILIES_MIRROR_TO="file/videos")),
    ),
    # The service
    Mistake(
        "no server at the address",
        "plan prompts.csv",
        r"http://127.0.0.1:9/v1 cannot be reached.*\. Nothing was spent.*GEEKHUB_BASE_URL",
        lambda place: place.set(GEEKHUB_BASE_URL="http://127.0.0.1:9/v1"),
    ),
    Mistake(
        "another service at the address",
        "plan prompts.csv",
        r"answers, but not as GeekHub does \(HTTP 404\).*Nothing was spent.*GEEKHUB_BASE_URL",
        lambda place: place.set(GEEKHUB_BASE_URL=f"{place.serve()}/v1"),
    ),
    Mistake(
        "a revoked key",
        "run prompts.csv --yes",
        r"The API key was revoked\. \(req_1\) Nothing was spent.*GEEKHUB_API_KEY",
        lambda place: place.live(credits=(401, REVOKED)),
    ),
    Mistake(
        "a key that GeekHub does not know",
        "plan prompts.csv",
        "The API key is not valid.*Nothing was spent.*GEEKHUB_API_KEY",
        lambda place: place.set(GEEKHUB_API_KEY=TEST_KEY),
    ),
    # The money
    Mistake(
        "a cap below the cost",
        "run prompts.csv --max-cost-mxn 5",
        "may cost up to 8.40 MXN, but max_cost_mxn is 5.00.*--fit",
    ),
    Mistake(
        "too little balance",
        "run prompts.csv",
        "The balance is 3.00 MXN, but this run may cost up to 8.40.*Top up",
        lambda place: place.sandbox.set_balance(3),
    ),
    Mistake(
        "real money, and no person to ask",
        "run prompts.csv",
        "would spend real money.*add --yes",
        lambda place: place.live(),
    ),
    Mistake(
        "real money, a new ledger, and no person to ask",
        "run prompts.csv --yes",
        "is a new ledger.*Nothing was spent.*--new-ledger",
        lambda place: place.live(),
    ),
    # The disk
    Mistake(
        "a file where the data folder should be",
        "plan prompts.csv",
        r"data/ledger/sandbox cannot be written \(Not a directory\).*DAILIES_DATA_DIR",
        lambda place: _file_for_folder(place, "data"),
    ),
    Mistake(
        "no folder for the results",
        "run prompts.csv",
        r"data/results, cannot be made \(File exists\).*DAILIES_DATA_DIR",
        lambda place: _file_for_folder(place, "data/results"),
    ),
    Mistake(
        "the ledger of another service",
        "plan prompts.csv",
        "ledger of the live service, but the key is one of the sandbox service.*DAILIES_LEDGER_DIR",
        lambda place: LedgerFolder.open(place.path / "data/ledger/sandbox", "live"),
    ),
    Mistake(
        "a data folder that cannot hold a sandbox",
        "plan prompts.csv",
        "No GEEKHUB_API_KEY is set, and the sandbox cannot be used instead.*DAILIES_DATA_DIR",
        lambda place: (place.unset("GEEKHUB_API_KEY"), _file_for_folder(place, "data")),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_typical_mistake_gets_one_message_with_its_remedy(
    mistake: Mistake, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    mistake.prepare(place)
    said = dailies(capsys, *mistake.command.split())
    assert re.search(mistake.message, said.err), said.err
    assert said.code == 2
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) <= 2, said.err
    assert place.sandbox.jobs() == []


def test_the_table_has_the_twenty_mistakes_that_were_asked_for() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 20


def test_an_empty_pipe_is_not_kept(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send(b"\n")
    assert dailies(capsys, "run", "-").code == 2
    assert not (place.path / "data/inputs").exists()


def test_programs_are_told_of_a_refusal_on_standard_output(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("plan nowhere.csv --json", "run prompts.csv --max-cost-mxn 5 --json", "status --json --brief"):
        said = dailies(capsys, *command.split())
        assert said.code == 2
        assert json.loads(said.out)["error"] in said.err


def test_a_plan_of_what_can_be_read_once_says_to_keep_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send(b"prompt\na lighthouse\n")
    said = dailies(capsys, "plan", "-", "--fit")
    assert said.out.splitlines()[-1] == "Next: save the prompts as a file, then: dailies run prompts.csv --fit"


def test_a_sandbox_whose_port_is_taken_says_so(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    port = place.occupy_port()
    said = dailies(capsys, "sandbox", "--port", port, "--data-dir", place.path / "another")
    assert f"port {port} is taken by another program" in said.err
    assert said.code == 2


def test_a_ledger_of_another_organisation_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    folder = LedgerFolder.open(place.path / "data/ledger/sandbox", "sandbox")
    folder.require_organisation("11111111-1111-4111-8111-111111111111")
    place.unset("GEEKHUB_API_KEY")
    (place.path / "data/sandbox").symlink_to(place.sandbox.data_dir)
    said = dailies(capsys, "plan", "prompts.csv")
    assert re.search("is the ledger of organisation 11111111.*DAILIES_LEDGER_DIR.*Nothing was spent", said.err)
    assert said.code == 2


def test_debug_shows_where_an_error_comes_from(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match="there is no such file"):
        dailies(capsys, "plan", "nowhere.csv", "--debug")
