"""Claiming: one run's rows are its alone, and what is refused leaves no trace."""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.errors import JournalError, LedgerError, RefusedError, RowError
from dailies.ledger import snapshot as books_module
from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import is_live, journal_paths, replay, seal
from dailies.ledger.journal_fold import fold_batch, fold_dead
from dailies.ledger.journal_writer import Journal
from dailies.ledger.snapshot import read_snapshot
from dailies.planning.caps import Caps
from dailies.planning.claim import Claim, claim_rows, read_plan
from dailies.planning.next_attempt import JOB_FAILED, AttemptPolicy
from dailies.prompts.reader import RejectedRow
from dailies.reconcile.abandon import abandon_rows
from dailies.reconcile.settle import claim_open_jobs
from dailies.settings import Settings
from dailies.system.durable import create_file
from tests.factories import (
    BATCH,
    KLING_5_S_MXN,
    NOW,
    completed,
    make_entry,
    make_file,
    make_folder,
    make_row,
    make_rows,
    make_tariff,
    make_terms,
)
from tests.processes import child

ROWS = make_rows("a", "b", "c")
S = EntryStatus

CLAIM = """
import sys
from pathlib import Path
from dailies.planning.claim import claim_rows
from dailies.planning.caps import Caps
from tests.factories import NOW, make_file, make_folder, make_rows, make_terms
folder = make_folder(Path(sys.argv[1]))
prompts = make_file(*make_rows(*sys.argv[2].split(",")))
terms = make_terms(Caps(max_month_mxn=5 * 42 // 10, fit=True), batch_size=2)
print("ready", flush=True)
sys.stdin.readline()
claim = claim_rows(folder, prompts, terms, NOW)
print(",".join(row.entry.prompt for batch in claim.batches for row in batch.rows), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


def prompts_of(claim: Claim) -> list[str | None]:
    return [row.entry.prompt for batch in claim.batches for row in batch.rows]


def contents(folder: LedgerFolder) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


def rejected_row(line: int, prompt: str = "") -> RejectedRow:
    error = RowError("prompts.csv", line, "prompt", "there is no prompt", "write one")
    return RejectedRow(f"rejected-{line}-{prompt}", "prompts.csv", line, (prompt,), (error,), None, prompt)


def noted_lines(folder: LedgerFolder) -> list[int]:
    return sorted(entry.source_line or 0 for entry in folder.entries() if entry.status is S.REJECTED)


def test_new_rows_are_written_into_the_journals_of_living_batches(folder):
    claim = claim_rows(folder, make_file(*ROWS), make_terms(batch_size=2), NOW, "run-1")

    paths = [folder.journals / batch.batch_id for batch in claim.batches]
    assert [[row.entry.prompt for row in batch.rows] for batch in claim.batches] == [["a", "b"], ["c"]]
    assert sorted(paths) == journal_paths(folder.journals)
    assert [replay(path).manifest for path in paths] == list(claim.batches)
    assert all(is_live(path) for path in paths)
    assert {row.entry.flow_run_id for batch in claim.batches for row in batch.rows} == {"run-1"}
    claim.release()
    assert not any(is_live(path) for path in paths)


def test_every_entry_belongs_to_the_batch_that_made_it(folder):
    claim = claim_rows(folder, make_file(*ROWS), make_terms(batch_size=1), NOW)

    for batch in claim.batches:
        assert {row.entry.batch_id for row in batch.rows} == {batch.batch_id}
    claim.release()


def test_a_plan_changes_nothing(folder):
    folder.put([make_entry("a", status=S.PROCESSING)])
    before = contents(folder)

    plan = read_plan(folder, make_file(*ROWS, rejected=(rejected_row(9),)), make_terms(), NOW)

    assert (len(plan.todo), plan.resumed) == (3, 1)
    assert contents(folder) == before


def test_a_finished_row_is_not_claimed_again(folder):
    folder.put([completed(make_entry("a"))])

    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert prompts_of(claim) == ["b", "c"]
    assert [entry.prompt for entry in claim.plan.bought] == ["a"]
    claim.release()


def test_where_nothing_is_left_no_journal_is_made(folder):
    folder.put([completed(make_entry("a"))])

    claim = claim_rows(folder, make_file(make_row("a")), make_terms(), NOW)

    assert (claim.batches, claim.locks) == ((), ())
    assert journal_paths(folder.journals) == []


def test_a_dead_runs_rows_are_folded_and_taken_over_as_they_were_journalled(folder):
    first = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    (batch,) = first.batches
    sent = b'{"kind":"entry","row_key":"%s","attempt":1,"final":false,"changes":{"status":"in_doubt"}}\n'
    create_file(folder.journals / batch.batch_id / "000002.jsonl", sent % ROWS[1].row_key.encode())
    first.release()

    again = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    (second,) = again.batches
    assert [(row.entry.status, row.entry.attempt) for row in second.rows] == [
        ("planned", 1),
        ("in_doubt", 1),
        ("planned", 1),
    ]
    assert {row.entry.batch_id for row in second.rows} == {batch.batch_id}
    assert journal_paths(folder.journals) == [folder.journals / second.batch_id]
    again.release()


def test_a_row_goes_back_into_its_own_batchs_file_whoever_finished_it(folder):
    claim_rows(folder, make_file(*ROWS), make_terms(), NOW).release()
    claim_rows(folder, make_file(*ROWS), make_terms(), NOW).release()
    claim_rows(folder, make_file(*ROWS, make_row("d")), make_terms(), NOW).release()

    claim_rows(folder, make_file(), make_terms(), NOW)

    assert len(folder.files()) == 2
    assert len(folder.entries()) == 4


def test_a_living_runs_rows_are_elsewhere(folder):
    first = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    second = claim_rows(folder, make_file(*ROWS, make_row("d", source_line=5)), make_terms(), NOW)

    assert prompts_of(second) == ["d"]
    assert [row.batch_id for row in second.plan.elsewhere] == [first.batches[0].batch_id] * 3
    first.release()
    second.release()


def test_a_hanging_runs_rows_can_be_taken_from_it(folder):
    hanging = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    terms = make_terms(take_over=frozenset(batch.batch_id for batch in hanging.batches))
    claim = claim_rows(folder, make_file(*ROWS), terms, NOW)

    assert prompts_of(claim) == ["a", "b", "c"]
    hanging.release()
    claim.release()


def test_a_batch_to_take_over_that_does_not_exist_is_refused_and_the_living_ones_are_named(folder):
    hanging = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    dead = claim_rows(folder, make_file(make_row("d")), make_terms(), NOW)
    dead.release()
    at_work = hanging.batches[0].batch_id
    before = contents(folder)

    for typo in ("20261112T180000-typo0000", "../ledger"):
        terms = make_terms(take_over=frozenset({typo, at_work}))
        for ask in (read_plan, claim_rows):
            with pytest.raises(RefusedError, match=f"no batch {typo} to take over; at work are: {at_work}. Nothing"):
                ask(folder, make_file(*ROWS), terms, NOW)

    assert contents(folder) == before
    hanging.release()
    with pytest.raises(RefusedError, match="at work are: none"):
        read_plan(folder, make_file(*ROWS), make_terms(take_over=frozenset({"typo"})), NOW)


def test_a_batch_to_take_over_that_was_folded_meanwhile_is_no_mistake(folder):
    first = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    first.release()
    fold_batch(folder, first.batches[0].batch_id, "another run")

    terms = make_terms(take_over=frozenset({first.batches[0].batch_id}))
    claim = claim_rows(folder, make_file(*ROWS), terms, NOW)

    assert prompts_of(claim) == ["a", "b", "c"]
    claim.release()


def test_rows_that_were_taken_from_a_run_which_still_hangs_are_nobodys(folder):
    """Whoever sealed its journal died before the fold; the run that hangs can write nothing any more."""
    hanging = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    seal(folder.journals / hanging.batches[0].batch_id, "a run that crashed")

    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert (prompts_of(claim), claim.plan.elsewhere) == (["a", "b", "c"], ())
    hanging.release()
    claim.release()


def die_after_the_fold(monkeypatch: pytest.MonkeyPatch, module: str, dying: Claim) -> None:
    """Whoever holds the lock has folded what was dead, and is about to read: just then that run is killed."""

    def fold_then_die(*args: Any, **kwargs: Any) -> list[str]:
        folded = fold_dead(*args, **kwargs)
        dying.release()
        return folded

    monkeypatch.setattr(f"{module}.fold_dead", fold_then_die)


def test_rows_of_a_run_that_dies_after_the_fold_are_not_claimed_beside_its_unsealed_journal(folder, monkeypatch):
    """A child of that run may still be queued: it becomes the owner of the journal, and submits."""
    parent = claim_rows(folder, make_file(*ROWS), make_terms(), NOW, "parent")
    with monkeypatch.context() as patched:
        die_after_the_fold(patched, "dailies.planning.claim", parent)
        claim = claim_rows(folder, make_file(*ROWS, make_row("d", source_line=5)), make_terms(), NOW, "other")

    child_of_parent = Journal.own(folder.journals / parent.batches[0].batch_id, "child")

    owned = {entry.row_key for entry in child_of_parent.entries}
    assert owned == {row.row_key for row in ROWS}
    assert prompts_of(claim) == ["d"]
    assert claim.plan.open_mxn == 3 * KLING_5_S_MXN
    child_of_parent.close()
    claim.release()


def test_rows_of_a_run_that_dies_after_the_fold_are_not_given_up(folder, monkeypatch):
    folder.put([make_entry("a", status=S.PROCESSING, job_id="job-a")])
    parent = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    die_after_the_fold(monkeypatch, "dailies.reconcile.abandon", parent)

    with pytest.raises(RefusedError, match="belongs to a run that is at work"):
        abandon_rows(folder, [ROWS[0].row_key], NOW)


def test_jobs_of_a_run_that_dies_after_the_fold_are_not_settled(folder, monkeypatch):
    folder.put([make_entry("a", status=S.PROCESSING, job_id="job-a")])
    parent = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    die_after_the_fold(monkeypatch, "dailies.reconcile.settle", parent)

    assert claim_open_jobs(folder, Settings(), NOW, "settle").batches == ()


def test_a_new_round_that_was_killed_after_its_first_failure_is_gone_on_with(folder):
    """Asked for once by ``--retry-failed``; the run after the crash is a plain one."""
    job_failed = {"status": S.FAILED, "error_code": JOB_FAILED}
    folder.put([make_entry("a", attempt=1, **job_failed), make_entry("a", attempt=2, **job_failed)])
    file = make_file(ROWS[0])
    assert claim_rows(folder, file, make_terms(), NOW).batches == ()

    killed = claim_rows(folder, file, make_terms(policy=AttemptPolicy(retry_failed=True)), NOW)
    (batch,) = killed.batches
    line = {"kind": "entry", "row_key": ROWS[0].row_key, "attempt": 3, "final": False, "changes": job_failed}
    create_file(folder.journals / batch.batch_id / "000002.jsonl", json.dumps(line).encode() + b"\n")
    killed.release()
    claim = claim_rows(folder, file, make_terms(), NOW)

    (row,) = claim.batches[0].rows
    assert (row.entry.attempt, row.entry.status, row.models) == (4, S.PLANNED, ("fal/kling-2",))
    claim.release()


def test_a_submit_in_doubt_can_be_held(folder):
    folder.put([make_entry("a", status=S.IN_DOUBT)])

    claim = claim_rows(folder, make_file(*ROWS), make_terms(policy=AttemptPolicy(hold_in_doubt=True)), NOW)

    assert prompts_of(claim) == ["b", "c"]
    assert [entry.prompt for entry in claim.plan.held] == ["a"]
    claim.release()


lines = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@settings(max_examples=15)
@given(lines, lines, st.integers(1, 3), st.integers(0, 12))
def test_two_living_runs_of_overlapping_files_share_rows_and_caps(tmp_path_factory, one, other, size, affordable):
    folder = make_folder(tmp_path_factory.mktemp("ledger"))
    terms = make_terms(Caps(max_month_mxn=affordable * KLING_5_S_MXN, fit=True), batch_size=size)

    first, second = (claim_rows(folder, make_file(*make_rows(*prompts)), terms, NOW) for prompts in (one, other))

    mine, theirs = prompts_of(first), prompts_of(second)
    assert mine == one[:affordable]
    assert theirs == [prompt for prompt in other if prompt not in mine][: affordable - len(mine)]
    for claim in (first, second):
        claim.release()


def test_two_processes_started_together_share_the_rows_and_the_months_cap(folder):
    with child(CLAIM, folder.path, "a,b,c,d") as one, child(CLAIM, folder.path, "c,d,e,f") as other:
        for claimant in (one, other):
            assert claimant.hear() == "ready"
        for claimant in (one, other):
            claimant.say("go")
        claimed = [prompt for claimant in (one, other) for prompt in claimant.hear().split(",") if prompt]
        for claimant in (one, other):
            claimant.say("end")
            assert claimant.end() == 0

    assert len(claimed) == len(set(claimed)) == 5
    assert set(claimed) <= set("abcdef")


@pytest.mark.parametrize(
    "terms",
    [
        make_terms(Caps(max_cost_mxn=Decimal("12.59"))),
        make_terms(Caps(max_month_mxn=Decimal("12.59"))),
        make_terms(Caps(balance_mxn=Decimal("12.59"))),
        make_terms(approved_mxn=Decimal("12.59")),
        make_terms(tariff=make_tariff(fx={})),
    ],
    ids=["max_cost", "max_month", "balance", "approved", "no fx"],
)
def test_what_is_refused_leaves_no_trace(folder, terms):
    before = contents(folder)

    with pytest.raises(RefusedError):
        claim_rows(folder, make_file(*ROWS, rejected=(rejected_row(9),)), terms, NOW)

    assert contents(folder) == before


def test_a_claim_that_costs_less_than_was_approved_goes_on(folder):
    folder.put([completed(make_entry("a"))])

    claim = claim_rows(folder, make_file(*ROWS), make_terms(approved_mxn=Decimal("12.60")), NOW)

    assert claim.plan.worst_mxn == Decimal("8.40")
    claim.release()


def test_a_claim_that_would_cost_more_than_was_shown_is_refused(folder):
    shown = read_plan(folder, make_file(*ROWS[:1]), make_terms(), NOW).worst_mxn

    with pytest.raises(RefusedError, match=r"12\.60 MXN, more than the 4\.20"):
        claim_rows(folder, make_file(*ROWS), make_terms(approved_mxn=shown), NOW)


def test_fit_leaves_the_rest_as_planned_and_the_next_run_takes_it(folder):
    claim = claim_rows(folder, make_file(*ROWS), make_terms(Caps(max_cost_mxn=Decimal(9), fit=True)), NOW)
    assert [(entry.prompt, entry.status) for entry in folder.entries()] == [("c", "planned")]
    claim.release()

    again = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert prompts_of(again) == ["a", "b", "c"]
    assert {row.entry.attempt for batch in again.batches for row in batch.rows} == {1}
    again.release()


def test_the_months_cap_counts_charges_of_this_month_and_whatever_may_still_be_charged(folder):
    earlier = datetime(2026, 10, 31, tzinfo=UTC)
    folder.put(
        [
            completed(make_entry("this month")),
            completed(make_entry("charge unknown"), charged_mxn=None),
            completed(make_entry("last month"), completed_at=earlier),
            make_entry("a dead run's", status=S.PROCESSING, submitted_at=earlier),
            make_entry("given up after a poll", status=S.ABANDONED, polls=1),
            make_entry("given up before any", status=S.ABANDONED),
            make_entry("failed", status=S.FAILED),
            make_entry("left", status=S.PLANNED),
        ]
    )
    alive = claim_rows(folder, make_file(make_row("alive")), make_terms(), NOW)

    plan = read_plan(folder, make_file(*ROWS), make_terms(), NOW)

    assert plan.charged_month_mxn == 2 * KLING_5_S_MXN
    assert plan.open_mxn == 3 * KLING_5_S_MXN
    assert plan.worst_mxn == 3 * KLING_5_S_MXN
    with pytest.raises(RefusedError, match=r"33\.60"):
        read_plan(folder, make_file(*ROWS), make_terms(Caps(max_month_mxn=Decimal("33.59"))), NOW)
    alive.release()


@pytest.mark.parametrize("doubtful", [True, False])
def test_a_row_in_doubt_of_another_file_counts_against_every_cap(folder, doubtful):
    """A job may exist that is charged; where it is certain that none does, nothing is reserved."""
    status = S.IN_DOUBT if doubtful else S.PLANNED
    folder.put([make_entry("other", status=status, submitted_at=NOW)])
    for caps in (Caps(max_month_mxn=KLING_5_S_MXN), Caps(balance_mxn=KLING_5_S_MXN)):
        if doubtful:
            with pytest.raises(RefusedError, match=r"4\.20 (still possible|more)"):
                read_plan(folder, make_file(make_row("a")), make_terms(caps), NOW)
        else:
            assert read_plan(folder, make_file(make_row("a")), make_terms(caps), NOW).open_mxn == 0


def test_a_row_in_doubt_is_gone_on_with_by_the_next_run_under_the_same_key_and_attempt(folder):
    sent = make_entry("a", status=S.IN_DOUBT, submitted_at=NOW, submit_tries=3, error_code="no_answer")
    folder.put([sent])

    claim = claim_rows(folder, make_file(make_row("a")), make_terms(), NOW)
    claim.release()

    (row,) = claim.batches[0].rows
    assert (row.entry.key, row.entry.status, row.entry.submit_tries) == (sent.key, S.IN_DOUBT, 3)
    assert (claim.plan.resumed, row.entry.worst_mxn) == (1, KLING_5_S_MXN)


@pytest.mark.parametrize(("final", "reserved"), [(False, KLING_5_S_MXN), (True, 0)])
def test_a_failed_attempt_of_a_live_row_keeps_the_rows_reservation_until_the_row_has_ended(folder, final, reserved):
    """The same run will make its next attempt: another run must not spend what that may cost."""
    live = claim_rows(folder, make_file(make_row("a")), make_terms(), NOW)
    (batch,) = live.batches
    key = batch.rows[0].entry.row_key
    failed = (
        f'{{"kind":"entry","row_key":"{key}","attempt":1,"final":{str(final).lower()},"changes":'
        f'{{"status":"failed","error_code":"job_failed","job_id":"job-1"}}}}\n'
    )
    create_file(folder.journals / batch.batch_id / "000002.jsonl", failed.encode())

    assert read_plan(folder, make_file(make_row("b")), make_terms(), NOW).open_mxn == reserved
    live.release()


def test_a_charge_of_a_months_first_moment_counts_until_its_last_one(folder):
    first, last = datetime(2026, 1, 1, 6, tzinfo=UTC), datetime(2026, 2, 1, 5, 59, 59, 999_999, tzinfo=UTC)
    folder.put([completed(make_entry("bought"), completed_at=first)])
    terms = make_terms(tariff=make_tariff(fx={"*": Decimal(20)}))

    assert read_plan(folder, make_file(make_row("a")), terms, last).charged_month_mxn == KLING_5_S_MXN


def test_the_month_whose_cap_counts_is_that_in_which_the_lock_is_had(folder):
    """Called in November's last microsecond; to have the lock and to fold takes longer than that."""
    folder.put([completed(make_entry("bought"), completed_at=NOW)])
    terms = make_terms(Caps(max_month_mxn=KLING_5_S_MXN), tariff=make_tariff(fx={"*": Decimal(20)}))
    called_at = datetime(2026, 12, 1, 5, 59, 59, 999_999, tzinfo=UTC)
    with pytest.raises(RefusedError, match="max_month_mxn"):
        read_plan(folder, make_file(make_row("a")), terms, called_at)

    claim = claim_rows(folder, make_file(make_row("a")), terms, called_at)

    assert (len(claim.plan.todo), claim.plan.charged_month_mxn) == (1, 0)
    assert claim.batches[0].batch_id.startswith("20261201T0600")
    claim.release()


def test_what_a_living_run_has_finished_is_charged_and_no_longer_reserved(folder):
    alive = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    (batch,) = alive.batches
    entry = batch.rows[0].entry
    done = (
        f'{{"kind":"entry","row_key":"{entry.row_key}","attempt":1,"final":true,"changes":'
        f'{{"status":"completed","charged_mxn":"4.000000","completed_at":"{NOW.isoformat()}"}}}}\n'
    )
    create_file(folder.journals / batch.batch_id / "000002.jsonl", done.encode())

    plan = read_plan(folder, make_file(make_row("d")), make_terms(), NOW)

    assert (plan.charged_month_mxn, plan.open_mxn) == (4, 2 * KLING_5_S_MXN)
    alive.release()


def test_a_months_end_frees_the_cap_for_the_next_one_but_not_what_is_still_open(folder):
    folder.put([completed(make_entry("bought")), make_entry("open", status=S.PROCESSING)])
    terms = make_terms(Caps(max_month_mxn=Decimal("8.40")), tariff=make_tariff(fx={"*": Decimal(20)}))
    last, first = datetime(2026, 12, 1, 5, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, 6, tzinfo=UTC)

    with pytest.raises(RefusedError):
        read_plan(folder, make_file(make_row("a")), terms, last)

    assert len(read_plan(folder, make_file(make_row("a")), terms, first).todo) == 1


def test_rejected_rows_are_noted_with_their_reason_and_replaced_by_the_next_run(folder):
    first = make_file(make_row("a"), rejected=(rejected_row(3), rejected_row(4)))
    claim_rows(folder, first, make_terms(), NOW).release()
    second = make_file(make_row("a"), rejected=(rejected_row(4, "other cells"),))

    claim_rows(folder, second, make_terms(), NOW).release()

    noted = [entry for entry in folder.entries() if entry.status is S.REJECTED]
    assert [(entry.source_line, entry.error_code) for entry in noted] == [(4, "invalid_row")]
    assert noted[0].error == "prompts.csv line 4, column prompt: there is no prompt; write one"


def test_a_limited_run_leaves_the_rejected_rows_beyond_its_limit_in_the_ledger(folder):
    file = make_file(make_row("a"), rejected=(rejected_row(3), rejected_row(4), rejected_row(5)))
    claim_rows(folder, file, make_terms(), NOW).release()
    mended = make_file(*make_rows("a", "b"), rejected=(rejected_row(4), rejected_row(5)))

    claim_rows(folder, mended.first(2), make_terms(), NOW).release()
    assert noted_lines(folder) == [4, 5]

    claim_rows(folder, mended.first(10), make_terms(), NOW).release()
    claim_rows(folder, make_file(*make_rows("a", "b")), make_terms(), NOW).release()
    assert noted_lines(folder) == []


def test_a_claim_whose_journals_cannot_all_be_written_holds_none_of_them(folder, monkeypatch):
    """What was written before the disk was full is a dead run's, with nothing sent: the next claim folds it."""
    written = []

    def create_first_only(journals, manifest):
        if written:
            raise JournalError("no space")
        written.append(create_journal(journals, manifest))
        return written[0]

    from dailies.ledger.journal_writer import create_journal

    with monkeypatch.context() as patched:
        patched.setattr("dailies.ledger.journal_writer.create_journal", create_first_only)
        with pytest.raises(JournalError):
            claim_rows(folder, make_file(*ROWS), make_terms(batch_size=1), NOW)
    (path,) = journal_paths(folder.journals)
    assert not is_live(path)

    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert prompts_of(claim) == ["a", "b", "c"]
    claim.release()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lock_file_that_is_removed_during_a_claim_lets_no_row_be_bought_twice(folder, monkeypatch, when):
    """Another claim gets past the lost lock, before the first one's journals are visible or after that."""
    others = []

    def claim_meanwhile():
        (folder.path / ".lock").unlink()
        patched.undo()
        others.append(claim_rows(make_folder(folder.path), make_file(*ROWS), make_terms(), NOW))

    def create(journals, manifest):
        if when == "before":
            claim_meanwhile()
        lock = create_journal(journals, manifest)
        if when == "after":
            claim_meanwhile()
        return lock

    from dailies.ledger.journal_writer import create_journal

    with monkeypatch.context() as patched:
        patched.setattr("dailies.ledger.journal_writer.create_journal", create)
        with pytest.raises(LedgerError, match=r"\.lock was removed or replaced"):
            claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    claimed = [prompt for claim in others for prompt in prompts_of(claim)]
    assert claimed == (["a", "b", "c"] if when == "before" else [])
    live = [path.name for path in journal_paths(folder.journals) if is_live(path)]
    assert live == [batch.batch_id for claim in others for batch in claim.batches]
    for claim in others:
        claim.release()


def test_nothing_is_written_to_the_ledger_once_its_lock_is_lost(folder):
    with folder.lock():
        (folder.path / ".lock").unlink()
        with pytest.raises(LedgerError, match="removed or replaced"):
            folder.put([make_entry()])

    assert folder.entries() == []


def test_a_claim_on_a_full_disk_is_a_ledger_error(folder, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(LedgerError, match="No space left"):
        claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert journal_paths(folder.journals) == []


def test_a_journal_that_is_folded_between_listing_and_reading_is_found_in_the_ledger(folder, monkeypatch):
    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    (batch,) = claim.batches

    def fold_then_replay(path):
        fold_batch(folder, batch.batch_id, "its own run")
        return replay(path)

    monkeypatch.setattr(books_module, "replay", fold_then_replay)
    books = read_snapshot(folder, [row.row_key for row in ROWS], make_tariff(), NOW)

    assert {key: entries[0].status for key, entries in books.entries.items()} == {
        row.row_key: "planned" for row in ROWS
    }
    claim.release()


def test_a_journal_that_is_folded_between_reading_it_and_the_ledger_is_seen_once(folder, monkeypatch):
    folder.put([make_entry("a", batch_id=BATCH, status=S.PROCESSING)])
    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    claim.release()

    def replay_then_fold(path):
        state = replay(path)
        fold_batch(folder, path.name, "the next run")
        return state

    monkeypatch.setattr(books_module, "replay", replay_then_fold)
    books = read_snapshot(folder, [row.row_key for row in ROWS], make_tariff(), NOW)

    assert [len(books.entries[row.row_key]) for row in ROWS] == [1, 1, 1]
    assert books.reserved == {ROWS[0].row_key: KLING_5_S_MXN}


def test_a_row_in_doubt_that_was_sent_at_a_dearer_price_is_reserved_at_that_price(folder):
    """Its job may exist already, at the price of then."""
    folder.put([make_entry("a", status=S.IN_DOUBT, submitted_at=NOW, usd_per_second=Decimal("0.08"))])

    plan = read_plan(folder, make_file(make_row("a")), make_terms(), NOW)

    assert plan.worst_mxn == 2 * KLING_5_S_MXN
