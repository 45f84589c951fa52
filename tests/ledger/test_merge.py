"""The ledger's entry: its statuses, its Arrow form, and how two versions of it merge."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.merge import merge, merge_all
from dailies.ledger.schema import COLUMNS, SCHEMA, SCHEMA_VERSION, from_table, to_table
from tests.factories import KLING_5_S_MXN, NOW, completed, make_entry

texts = st.text(st.characters(codec="utf-8"), max_size=12)
money = st.decimals("0", "999999999", places=6)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
counts = st.integers(0, 2**31 - 1)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def entries(draw: st.DrawFn, row_keys: st.SearchStrategy[str] = texts) -> LedgerEntry:
    return LedgerEntry(
        row_key=draw(row_keys),
        attempt=draw(st.integers(1, 3)),
        take=draw(st.integers(1, 9)),
        source=draw(texts),
        source_line=draw(st.integers(1, 2**62)),
        batch_id=draw(texts),
        prompt=draw(some(texts)),
        audio=draw(some(st.booleans())),
        duration_s=draw(some(st.integers(1, 10))),
        metadata=draw(st.dictionaries(texts, texts, max_size=3)),
        status=draw(st.sampled_from(EntryStatus)),
        error=draw(some(texts)),
        charged_mxn=draw(some(money)),
        worst_mxn=draw(some(money)),
        submitted_at=draw(some(instants)),
        waited_s=draw(some(st.floats(0, 1e6))),
        polls=draw(counts),
        submit_tries=draw(counts),
    )


@st.composite
def versions(draw: st.DrawFn) -> LedgerEntry:
    """Versions of one entry, alike enough that ties happen."""
    return make_entry(
        status=draw(st.sampled_from(EntryStatus)),
        polls=draw(st.integers(0, 1)),
        submit_tries=draw(st.integers(0, 1)),
        charged_mxn=draw(some(st.just(KLING_5_S_MXN))),
        error=draw(some(st.sampled_from(["a", "b"]))),
        markup=draw(st.sampled_from([Decimal("1.05"), Decimal("1.1")])),
        metadata=draw(st.sampled_from([{}, {"a": "1", "b": "2"}, {"b": "2", "a": "1"}])),
    )


def read_back(entry: LedgerEntry) -> LedgerEntry:
    (found,) = from_table(to_table([entry]))
    return found


def test_statuses_are_ordered_from_the_weakest_to_the_strongest():
    assert [str(status) for status in sorted(EntryStatus, key=lambda status: status.rank)] == [
        "rejected",
        "planned",
        "in_doubt",
        "pending",
        "processing",
        "abandoned",
        "failed",
        "completed",
    ]


def test_an_open_status_is_one_whose_job_may_still_be_charged():
    assert {status for status in EntryStatus if status.is_open} == {"in_doubt", "pending", "processing"}
    assert {status for status in EntryStatus if status.has_job} == {"pending", "processing"}


@given(st.lists(entries(), max_size=4))
def test_entries_survive_the_way_to_arrow_and_back(some_entries):
    assert from_table(to_table(some_entries)) == some_entries


def test_the_schema_has_a_column_for_each_field_in_its_order_and_names_its_version():
    assert SCHEMA.names == list(COLUMNS) == [field.name for field in fields(LedgerEntry)]
    assert SCHEMA.metadata == {b"dailies.schema_version": str(SCHEMA_VERSION).encode()}


def test_money_is_exact_and_time_is_utc_to_the_microsecond():
    assert {SCHEMA.field(name).type for name in COLUMNS if name.endswith(("_mxn", "_usd"))} >= {pa.decimal128(18, 6)}
    assert {SCHEMA.field(name).type for name in COLUMNS if name.endswith("_at")} == {pa.timestamp("us", tz="UTC")}


def test_a_column_is_nullable_exactly_where_an_entry_may_lack_its_value():
    required = {field.name for field in SCHEMA if not field.nullable}

    assert {"row_key", "attempt", "source", "batch_id", "status", "polls"} <= required
    assert not {"job_id", "charged_mxn", "completed_at", "prompt_id"} & required


def test_columns_of_others_such_as_a_partitions_are_ignored():
    table = to_table([make_entry()]).append_column("month", pa.array(["2026-11"]))

    assert from_table(table) == [make_entry()]


@given(versions())
def test_merging_an_entry_with_itself_changes_nothing(one):
    assert merge(one, one) == one
    assert merge(one, read_back(one)) == one


@given(versions(), versions())
def test_merging_does_not_depend_on_the_order(one, other):
    assert merge(one, other) == merge(other, one)


@given(versions(), versions())
def test_merging_does_not_depend_on_which_version_was_on_disk(one, other):
    assert merge(read_back(one), other) == merge(one, read_back(other)) == merge(one, other)


@given(versions(), versions(), versions())
def test_merging_does_not_depend_on_the_grouping(one, two, three):
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(versions(), versions())
def test_merging_never_lowers_a_status_and_gives_one_of_the_two(one, other):
    merged = merge(one, other)

    assert merged.status.rank == max(one.status.rank, other.status.rank)
    assert merged in (one, other)


@given(versions(), versions())
def test_merging_never_forgets_a_charge_of_the_same_status(one, other):
    other = replace(other, status=one.status)

    assert (merge(one, other).charged_mxn is None) == (one.charged_mxn is None and other.charged_mxn is None)


def test_completed_beats_abandoned_and_any_end_beats_open():
    order = [EntryStatus.PROCESSING, EntryStatus.ABANDONED, EntryStatus.FAILED, EntryStatus.COMPLETED]
    known = [make_entry(status=status) for status in order]

    for shuffled in permutations(known):
        assert list(merge_all(shuffled).values()) == [known[-1]]


def test_versions_of_different_entries_cannot_be_merged():
    with pytest.raises(AssertionError):
        merge(make_entry(), make_entry(attempt=2))


def test_attempts_of_a_row_are_entries_of_their_own():
    merged = merge_all([make_entry(), make_entry(attempt=2)], [make_entry(status=EntryStatus.FAILED)])

    assert [(entry.attempt, entry.status) for entry in merged.values()] == [(1, "failed"), (2, "planned")]


@given(st.lists(entries(st.sampled_from("ab")), max_size=8))
def test_merging_all_is_the_same_whatever_comes_first(some_entries):
    forth, back = merge_all(some_entries), merge_all(reversed(some_entries))

    assert forth == back
    assert merge_all(forth.values(), some_entries) == forth


@pytest.mark.parametrize("status", [EntryStatus.IN_DOUBT, EntryStatus.PENDING, EntryStatus.PROCESSING])
def test_an_open_entry_reserves_its_worst_case(status):
    assert make_entry(status=status).reserved_mxn == KLING_5_S_MXN


@pytest.mark.parametrize("status", [EntryStatus.REJECTED, EntryStatus.PLANNED, EntryStatus.FAILED])
def test_an_entry_that_cannot_be_charged_reserves_nothing(status):
    assert make_entry(status=status, polls=1).reserved_mxn is None


def test_a_completed_entry_is_charged_and_reserves_nothing():
    assert completed(make_entry()).reserved_mxn is None


def test_an_abandoned_job_stays_reserved_only_if_it_was_ever_polled():
    """A job that was never polled is never charged; one that was may have been charged in that poll."""
    assert make_entry(status=EntryStatus.ABANDONED, polls=0).reserved_mxn is None
    assert make_entry(status=EntryStatus.ABANDONED, polls=1).reserved_mxn == KLING_5_S_MXN


def test_instants_keep_their_microseconds():
    entry = make_entry(submitted_at=NOW.replace(microsecond=123_456))

    assert read_back(entry).submitted_at == entry.submitted_at
