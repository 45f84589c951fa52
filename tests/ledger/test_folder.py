"""The ledger's folder: whose books it keeps, one file a batch, and that any reader is right as it is."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.errors import LedgerError
from dailies.ledger import parquet as parquet_module
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.identity import organisation_of
from dailies.ledger.manifest import new_batch_id
from dailies.ledger.parquet import read_entries, write_entries
from dailies.ledger.schema import from_table, to_table
from dailies.naming import full_name
from tests.factories import BATCH, KLING_5_S_MXN, NOW, OTHER_BATCH, completed, make_entry, make_folder, version_of

ORGANISATION = "7f1f0c9e-0000-4000-8000-00000000000a"
ANOTHER = "7f1f0c9e-0000-4000-8000-00000000000b"
OCTOBER = "20261031T235959-00000003"


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


def by_key(entries: list[LedgerEntry]) -> dict[tuple[str, int], LedgerEntry]:
    assert len({entry.key for entry in entries}) == len(entries)
    return {entry.key: entry for entry in entries}


def rejected(line: int, batch_id: str, source: str = "prompts.csv") -> LedgerEntry:
    return make_entry(
        row_key=f"{source}:{line}",
        source=source,
        source_line=line,
        batch_id=batch_id,
        status=EntryStatus.REJECTED,
        worst_mxn=None,
    )


def test_a_ledger_keeps_its_random_identity(tmp_path):
    first, again, other = make_folder(tmp_path / "a"), make_folder(tmp_path / "a"), make_folder(tmp_path / "b")

    assert first.identity == again.identity
    assert first.identity.ledger_id != other.identity.ledger_id


def test_ledger_json_says_whose_books_these_are(folder):
    identity = json.loads((folder.path / "ledger.json").read_text())

    assert identity == {
        "ledger_id": folder.identity.ledger_id,
        "service": "live",
        "organisation": None,
        "schema_version": 1,
    }


@pytest.mark.parametrize(("kept", "other"), [("live", "sandbox"), ("sandbox", "live")])
def test_live_and_sandbox_never_mix(tmp_path, kept, other):
    make_folder(tmp_path / "ledger", kept)

    with pytest.raises(LedgerError, match=f"a ledger of the {kept} service"):
        make_folder(tmp_path / "ledger", other)


def test_a_ledger_learns_its_organisation_once_and_refuses_any_other(folder):
    folder.require_organisation(None)
    folder.require_organisation(ORGANISATION)
    folder.require_organisation(ORGANISATION)

    for ledger in (folder, make_folder(folder.path)):
        assert ledger.identity.organisation == ORGANISATION
        with pytest.raises(LedgerError, match=f"is the ledger of organisation {ORGANISATION}"):
            ledger.require_organisation(ANOTHER)


def test_an_organisation_that_another_process_has_noted_meanwhile_counts(folder):
    make_folder(folder.path).require_organisation(ORGANISATION)

    with pytest.raises(LedgerError):
        folder.require_organisation(ANOTHER)

    assert make_folder(folder.path).identity.organisation == ORGANISATION


@pytest.mark.parametrize(
    ("url", "organisation"),
    [
        (f"https://x.supabase.co/storage/v1/object/public/generated-videos/{ORGANISATION}/job/video.mp4", ORGANISATION),
        (f"http://localhost/generated-videos/{ORGANISATION.upper()}/job/video.mp4", ORGANISATION),
        ("https://elsewhere.test/video.mp4", None),
        (None, None),
    ],
)
def test_the_organisation_is_read_from_a_videos_url(url, organisation):
    assert organisation_of(url) == organisation


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"service": "live"}', '{"schema_version": 1, "x": 2}'])
def test_a_damaged_identity_is_told_and_not_replaced(folder, content):
    (folder.path / "ledger.json").write_text(content)

    with pytest.raises(LedgerError, match="damaged"):
        make_folder(folder.path)

    assert (folder.path / "ledger.json").read_text() == content


def test_books_without_an_identity_do_not_get_a_new_one(folder):
    folder.put([make_entry()])
    (folder.path / "ledger.json").unlink()

    with pytest.raises(LedgerError, match="missing"):
        make_folder(folder.path)


def test_a_ledger_of_a_later_version_is_left_alone(folder):
    identity = json.loads((folder.path / "ledger.json").read_text())
    (folder.path / "ledger.json").write_text(json.dumps({**identity, "schema_version": 2, "new": "field"}))

    with pytest.raises(LedgerError, match="version 2"):
        make_folder(folder.path)


def test_a_file_of_a_later_version_is_left_alone(folder):
    path = folder.batch_file(BATCH)
    folder.put([make_entry()])
    table = to_table([make_entry()]).replace_schema_metadata({"dailies.schema_version": "2"})
    pq.write_table(table, path)

    with pytest.raises(LedgerError, match="version 2"):
        folder.put([completed(make_entry())])


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(LedgerError, match="DAILIES_DATA_DIR"):
        make_folder(tmp_path / "file" / "ledger")


def test_a_damaged_ledger_file_is_told(folder):
    folder.put([make_entry()])
    folder.batch_file(BATCH).write_bytes(b"PAR1 not really")

    with pytest.raises(LedgerError):
        folder.put([make_entry()])
    with pytest.raises(LedgerError):
        folder.entries()


def test_a_batch_has_one_file_in_the_month_of_its_creation(folder):
    late = replace(make_entry(batch_id=OCTOBER), completed_at=NOW, status=EntryStatus.COMPLETED)
    folder.put([make_entry(), make_entry(attempt=2), late])
    folder.put([completed(make_entry())])

    assert [str(path.relative_to(folder.path)) for path in folder.files()] == [
        f"month=2026-10/{OCTOBER}.parquet",
        f"month=2026-11/{BATCH}.parquet",
    ]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "20261112T180000", BATCH + "x", "20261112T180000-0000000g"])
def test_what_is_no_batch_id_is_no_file_name(folder, name):
    with pytest.raises(LedgerError, match="not a batch id"):
        folder.batch_file(name)


def test_a_new_batch_id_names_its_utc_second_and_is_unique():
    now = datetime(2026, 12, 1, 5, 30, tzinfo=UTC)

    assert new_batch_id(now).startswith("20261201T053000-")
    assert len({new_batch_id(now) for _ in range(100)}) == 100


def test_a_batch_id_is_in_utc_whatever_zone_the_clock_tells():
    mexico = timezone(timedelta(hours=-6))

    assert new_batch_id(datetime(2026, 11, 30, 23, 30, tzinfo=mexico)).startswith("20261201T053000-")


versions = st.lists(
    st.builds(
        make_entry,
        st.sampled_from("abc"),
        attempt=st.integers(1, 2),
        batch_id=st.just(BATCH),
        status=st.sampled_from([status for status in EntryStatus if status is not EntryStatus.REJECTED]),
        polls=st.integers(0, 2),
    ),
    max_size=6,
)


@settings(max_examples=15)
@given(versions, versions)
def test_putting_is_free_of_order_and_twice_is_once(tmp_path_factory, some, others):
    there, back = (make_folder(tmp_path_factory.mktemp("ledger")) for _ in range(2))
    for entries in (some, others, some):
        there.put(entries)
    for entries in (others, some):
        back.put(entries)

    assert by_key(there.entries()) == by_key(back.entries())


def test_putting_again_what_is_there_does_not_even_touch_the_file(folder):
    folder.put([completed(make_entry())])
    before = version_of(folder.batch_file(BATCH))

    folder.put([completed(make_entry())])
    folder.put([make_entry(status=EntryStatus.PROCESSING)])

    assert version_of(folder.batch_file(BATCH)) == before


def test_an_entry_goes_into_the_file_of_its_own_batch_whoever_advances_it(folder):
    folder.put([make_entry(), make_entry("b", batch_id=OTHER_BATCH)])
    folder.put([completed(make_entry()), completed(make_entry("b", batch_id=OTHER_BATCH))])

    assert [entry.status for entry in folder.entries()] == ["completed", "completed"]
    assert len(folder.files()) == 2


def test_entries_of_some_rows_only(folder):
    folder.put([make_entry("a"), make_entry("b"), make_entry("a", attempt=2)])

    assert {entry.attempt for entry in folder.entries([make_entry("a").row_key])} == {1, 2}
    assert folder.entries([]) == []


def in_ledger(entry: LedgerEntry) -> LedgerEntry:
    """A rejected row as the ledger keeps it: with its source's full name."""
    return replace(entry, source_path=full_name(entry.source))


def test_rejected_rows_take_the_place_of_those_of_the_last_run_and_nothing_else(folder):
    other_source = rejected(9, BATCH, "other.csv")
    folder.put([make_entry(), other_source])
    folder.put_rejected("prompts.csv", [rejected(3, BATCH), rejected(4, BATCH)])
    folder.put_rejected("prompts.csv", [rejected(4, OTHER_BATCH)])

    assert by_key(folder.entries()) == by_key([make_entry(), other_source, in_ledger(rejected(4, BATCH))])


def test_rejected_rows_beyond_what_was_read_stay(folder):
    folder.put_rejected("prompts.csv", [rejected(3, BATCH), rejected(4, BATCH), rejected(9, BATCH)])
    folder.put_rejected("prompts.csv", [rejected(3, OTHER_BATCH)], last_line=4)

    assert by_key(folder.entries()) == by_key([in_ledger(rejected(3, BATCH)), in_ledger(rejected(9, BATCH))])


def test_a_file_that_is_mended_leaves_no_rejected_rows(folder):
    folder.put_rejected("prompts.csv", [rejected(3, BATCH)])
    folder.put_rejected("prompts.csv", [])

    assert folder.entries() == []


def test_rejected_rows_are_replaced_by_one_replacement_of_one_file(folder, monkeypatch):
    """So a kill at any moment leaves the old ones or the new ones, never none."""
    folder.put([make_entry("b", batch_id=OTHER_BATCH)])
    folder.put_rejected("prompts.csv", [rejected(3, BATCH), rejected(4, BATCH)])
    written = []
    write = parquet_module.write_entries

    def watch(path, entries):
        write(path, entries)
        written.append({entry.source_line for entry in folder.entries() if entry.status is EntryStatus.REJECTED})

    monkeypatch.setattr(parquet_module, "write_entries", watch)
    folder.put_rejected("prompts.csv", [rejected(4, OTHER_BATCH), rejected(5, OTHER_BATCH)])

    assert written == [{4, 5}]


def test_a_file_of_the_same_name_in_another_folder_keeps_its_rejected_rows(folder, tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "prompts.csv").touch()
    monkeypatch.chdir(tmp_path / "one")
    folder.put_rejected("prompts.csv", [rejected(3, BATCH)])
    monkeypatch.chdir(tmp_path / "two")
    folder.put_rejected("prompts.csv", [rejected(4, OTHER_BATCH)])
    assert sorted(entry.source_line for entry in folder.entries()) == [3, 4]

    folder.put_rejected("prompts.csv", [])
    assert [entry.source_line for entry in folder.entries()] == [3]

    (tmp_path / "one" / "prompts.csv").unlink()
    folder.put_rejected("prompts.csv", [rejected(5, OTHER_BATCH)])
    assert [entry.source_line for entry in folder.entries()] == [5], "a file that moved takes its rows along"


def test_rejected_rows_of_an_earlier_version_are_gathered_without_a_gap(folder, monkeypatch):
    folder.put([rejected(3, BATCH), rejected(4, OTHER_BATCH)])
    seen = []
    write = parquet_module.write_entries

    def watch(path, entries):
        write(path, entries)
        seen.append({entry.source_line for entry in folder.entries()})

    monkeypatch.setattr(parquet_module, "write_entries", watch)
    folder.put_rejected("prompts.csv", [rejected(3, BATCH), rejected(4, BATCH)])

    assert seen == [{3, 4}, {3, 4}]
    assert [path.stem for path in folder.files() if parquet_module.read_entries(path)] == [BATCH]


def test_a_reader_without_a_lock_sees_the_old_file_or_the_new_one(folder):
    """While a file is replaced again and again, no read fails or sees a part."""
    rows = [make_entry(str(number)) for number in range(200)]
    folder.put(rows)
    path, done = folder.batch_file(BATCH), Event()

    def rewrite() -> None:
        for _ in range(40):
            write_entries(path, [completed(row) for row in rows])
            write_entries(path, rows)
        done.set()

    writer = Thread(target=rewrite)
    writer.start()
    while not done.is_set():
        seen = {entry.status for entry in folder.entries()}
        assert len(seen) == 1
        assert len(read_entries(path)) == 200
    writer.join()


def test_pandas_pyarrow_and_duckdb_read_the_folder_by_a_glob_and_agree(folder):
    charged = [
        completed(make_entry(str(number), batch_id=batch_id), charged_mxn=KLING_5_S_MXN + Decimal(number) / 1_000_000)
        for number, batch_id in enumerate([OCTOBER, BATCH, OTHER_BATCH, BATCH])
    ]
    folder.put([*charged, make_entry("not yet"), replace(charged[0], status=EntryStatus.PROCESSING)])
    total = sum(entry.charged_mxn or 0 for entry in charged)
    glob = f"{folder.path}/month=*/*.parquet"

    with duckdb.connect() as connection:
        by_duckdb = connection.execute(
            "select sum(charged_mxn), count(*) from read_parquet(?, hive_partitioning = true)", [glob]
        ).fetchone()
    files = sorted(folder.path.glob("month=*/*.parquet"))
    by_pandas = pd.concat(pd.read_parquet(path, dtype_backend="pyarrow") for path in files)
    by_pyarrow = ds.dataset([str(path) for path in files]).to_table()

    assert by_duckdb == (total, 5)
    assert (by_pandas["charged_mxn"].sum(), len(by_pandas)) == (total, 5)
    assert (pc.sum(by_pyarrow["charged_mxn"]).as_py(), by_pyarrow.num_rows) == (total, 5)
    assert by_key(from_table(by_pyarrow)) == by_key(folder.entries())


def test_the_lock_keeps_others_out_and_says_so(folder):
    with folder.lock(), pytest.raises(LedgerError, match="locked by another process"), folder.lock(wait_s=0):
        pytest.fail("two held it")


def test_what_a_crash_left_of_a_write_is_swept(folder):
    folder.put([make_entry()])
    drafts = [folder.path / f"month=2026-11/.{BATCH}.parquet.0a1b2c3d", folder.path / ".ledger.json.0a1b2c3d"]
    for draft in drafts:
        draft.touch()

    with folder.lock():
        folder.sweep()

    assert not any(draft.exists() for draft in drafts)
    assert folder.entries() == [make_entry()]
    assert make_folder(folder.path).identity == folder.identity
