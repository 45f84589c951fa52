"""Order: slow models first, if that is wished; never across a cap."""

from dataclasses import replace

from dailies.ledger.manifest import ClaimedRow
from dailies.planning.caps import Caps
from dailies.planning.claim import claim_rows
from dailies.planning.submit_order import in_order
from tests.factories import KLING_5_S_MXN, NOW, make_entry, make_file, make_folder, make_row, make_terms


def rows(*models: str) -> list[ClaimedRow]:
    return [ClaimedRow(make_entry(f"{n}", model=model), (model,)) for n, model in enumerate(models)]


def test_by_default_rows_keep_the_file_s_order():
    some = rows("fal/runway-gen-4", "google/veo-3.1", "fal/kling-2")

    assert in_order(some, "file") == tuple(some)


def test_slow_models_come_first_and_equals_keep_the_file_s_order():
    some = rows("fal/runway-gen-4", "fal/kling-2", "google/veo-3.1", "fal/kling-2", "fal/veo-3.1")

    found = [(row.entry.prompt, row.entry.model) for row in in_order(some, "longest")]

    assert found == [
        ("2", "google/veo-3.1"),
        ("4", "fal/veo-3.1"),
        ("1", "fal/kling-2"),
        ("3", "fal/kling-2"),
        ("0", "fal/runway-gen-4"),
    ]


def test_a_withdrawn_model_has_the_usual_render_time():
    kling, runway = rows("fal/kling-2", "fal/runway-gen-4")
    withdrawn = ClaimedRow(replace(make_entry("old"), model="fal/withdrawn"), ("fal/withdrawn",))

    assert in_order([runway, withdrawn, kling], "longest") == (kling, withdrawn, runway)


def test_which_rows_fit_under_a_cap_goes_by_the_file_s_order(tmp_path):
    quick = make_row("quick", model="fal/kling-2", source_line=2)
    slow = make_row("slow", model="google/veo-3.1", source_line=3)
    terms = make_terms(Caps(max_cost_mxn=KLING_5_S_MXN, fit=True), order="longest")

    claim = claim_rows(make_folder(tmp_path / "ledger"), make_file(quick, slow), terms, NOW)

    assert [row.entry.prompt for batch in claim.batches for row in batch.rows] == ["quick"]
    claim.release()
