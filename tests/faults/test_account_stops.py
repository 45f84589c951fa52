"""The account says stop: an empty balance ends submitting, a refused key ends everything, and the next run goes on."""

from collections import Counter

from dailies.ledger.entry import EntryStatus
from tests.faults.place import Place
from tools.chaos.promises import breaches_after_a_crash, breaches_at_the_end


def test_an_empty_balance_stops_submits_and_what_renders_is_still_collected(place: Place) -> None:
    """Balance runs out at row 20 of 40; top-up; the same command again: 40 completed, none twice."""
    place.sandbox.set_faults({"kind": "set_balance", "after": 20, "balance_mxn": "0"})
    csv = place.write_csv(40)
    assert place.run_csv(csv) == 3, place.said()
    assert "top up the balance" in place.said().lower()
    assert len(place.sandbox.jobs()) == 20
    assert {job.status for job in place.sandbox.jobs()} == {"completed"}
    statuses = Counter(entry.status for entry in place.entries())
    assert statuses == {EntryStatus.COMPLETED: 20, EntryStatus.PLANNED: 20}
    place.sandbox.recharge(1000)
    assert place.run_csv(csv) == 0, place.said()
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 40)) == []
    assert len(place.sandbox.jobs()) == 40


def test_with_an_empty_balance_what_an_earlier_run_ordered_is_still_collected(place: Place) -> None:
    """The balance is empty in the first batch; the second holds only jobs that render."""
    csv = place.write_csv(4)
    place.run_csv(csv, "after-id:4")
    rows = csv.read_text("utf-8").splitlines(keepends=True)
    csv.write_text("".join([rows[0], *(f"a new shot {n}\n" for n in range(4)), *rows[1:]]), "utf-8")
    place.sandbox.set_faults({"kind": "set_balance", "after": 1, "balance_mxn": "0"})
    assert place.run_csv(csv, DAILIES_BATCH_SIZE="4", DAILIES_SUBMIT_RATE_PER_S="2") == 3, place.said()
    assert Counter(entry.status for entry in place.entries()) == {EntryStatus.COMPLETED: 5, EntryStatus.PLANNED: 3}
    place.sandbox.set_faults()
    place.sandbox.recharge(1000)
    assert place.run_csv(csv) == 0, place.said()
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 8)) == []


def test_a_revoked_key_stops_everything_and_a_new_one_goes_on(place: Place) -> None:
    place.sandbox.set_faults({"kind": "revoke_key", "after": 25})
    csv = place.write_csv(40)
    assert place.run_csv(csv) == 3, place.said()
    assert "geekhub_api_key" in place.said().lower()
    assert list(breaches_after_a_crash(place.ledger, place.sandbox)) == []
    assert not list(place.ledger.journals.iterdir())
    made = len(place.sandbox.jobs())
    assert made < 40
    refused = place.run_csv(csv)
    assert refused == 2, "a run with a key that is refused at once spends nothing"
    assert place.run_csv(csv, GEEKHUB_API_KEY=place.sandbox.new_key()) == 0, place.said()
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 40)) == []
    assert len(place.sandbox.jobs()) == 40
