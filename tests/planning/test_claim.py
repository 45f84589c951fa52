"""Claiming: one run's rows are its alone, and what is refused leaves no trace."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.errors import RefusedError
from dailies.ledger.entry import EntryStatus
from dailies.ledger.journal import is_live, journal_paths, replay, seal
from dailies.ledger.journal_fold import fold_batch, fold_dead
from dailies.ledger.journal_writer import Journal
from dailies.planning.caps import Caps
from dailies.planning.claim import Claim, claim_rows, read_plan
from dailies.planning.next_attempt import JOB_FAILED, AttemptPolicy
from dailies.reconcile.abandon import abandon_rows
from dailies.reconcile.settle import claim_open_jobs
from dailies.settings import Settings
from dailies.system.durable import create_file
from tests.factories import (
    KLING_5_S_MXN,
    NOW,
    completed,
    make_entry,
    make_file,
    make_folder,
    make_row,
    make_rows,
    make_terms,
)
from tests.planning.claims import ROWS, contents, noted_lines, prompts_of, rejected_row
from tests.processes import child

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
    """The run that sealed its journal died before the fold; the run that hangs can write nothing any more."""
    hanging = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    seal(folder.journals / hanging.batches[0].batch_id, "a run that crashed")

    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert (prompts_of(claim), claim.plan.elsewhere) == (["a", "b", "c"], ())
    hanging.release()
    claim.release()


def die_after_the_fold(monkeypatch: pytest.MonkeyPatch, module: str, dying: Claim) -> None:
    """The run that holds the lock has folded dead journals, and is about to read: just then that run is killed."""

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


def test_a_row_in_doubt_that_was_sent_at_a_dearer_price_is_reserved_at_that_price(folder):
    """Its job may exist already, at the price of then."""
    folder.put([make_entry("a", status=S.IN_DOUBT, submitted_at=NOW, usd_per_second=Decimal("0.08"))])

    plan = read_plan(folder, make_file(make_row("a")), make_terms(), NOW)

    assert plan.worst_mxn == 2 * KLING_5_S_MXN
