"""What a good CSV of prompts is read into."""

import pickle
from collections import Counter
from pathlib import Path

import pytest

from dailies.catalogue import VideoModel, load_catalogue
from dailies.errors import InputError, SettingsError
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import PromptFile, PromptRow, read_prompts

SAMPLE = Path(__file__).parents[2] / "data" / "prompts" / "sample.csv"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "shots.csv"


def read(csv: Path, text: str | bytes) -> PromptFile:
    csv.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_prompts(csv)


def only_row(csv: Path, text: str | bytes) -> PromptRow:
    (row,) = read(csv, text).rows
    return row


def takes(csv: Path, text: str) -> list[int]:
    return [row.take for row in read(csv, text).rows]


# Values


def test_empty_cells_take_the_defaults_of_the_model(csv: Path) -> None:
    row = only_row(csv, "prompt,id,model,duration,aspect_ratio,take,fallback,meta.client\nA fox,,,,,,,\n")
    assert (row.model, row.duration_s, row.aspect_ratio, row.take) == ("fal/kling-2", 5, "16:9", 1)
    assert (row.prompt_id, row.fallback, row.metadata) == (None, (), {})


def test_absent_columns_take_the_defaults_of_the_default_model(csv: Path) -> None:
    csv.write_text("prompt\nA fox\n")
    (row,) = read_prompts(csv, default_model="google/veo-3").rows
    assert (row.model, row.duration_s, row.aspect_ratio) == ("google/veo-3", 8, "16:9")


def test_every_column_is_read_and_stripped(csv: Path) -> None:
    row = only_row(
        csv,
        "id,prompt,model,duration,aspect_ratio,take,fallback,meta.client,meta.note\n"
        " s-1 , A fox , fal/luma-ray-2 , 7 , 9:16 , 3 , google/veo-3.1 | fal/veo-3.1 , Café ,\n",
    )
    assert (row.prompt_id, row.prompt, row.model) == ("s-1", "A fox", "fal/luma-ray-2")
    assert (row.duration_s, row.aspect_ratio, row.take) == (7, "9:16", 3)
    assert row.fallback == ("google/veo-3.1", "fal/veo-3.1")
    assert row.metadata == {"client": "Café"}


def test_header_names_may_be_spelled_in_any_case(csv: Path) -> None:
    prompts = read(csv, " Prompt ,ID,Meta.Client\nA fox,s-1,Lucero\n")
    assert prompts.columns == ("Prompt", "ID", "Meta.Client")
    assert (prompts.rows[0].prompt_id, prompts.rows[0].metadata) == ("s-1", {"client": "Lucero"})


def test_prompt_is_sent_in_the_form_that_was_hashed(csv: Path) -> None:
    row = only_row(csv, 'prompt\r\n"  A cafe\u0301\r\nat dawn\t  "\r\n')
    assert row.prompt == "A café\nat dawn"


def test_prompt_of_exactly_4000_characters_is_accepted(csv: Path) -> None:
    assert len(only_row(csv, f"prompt\n{'🦊' * 4000}\n").prompt) == 4000


def test_leading_zeros_are_plain_digits(csv: Path) -> None:
    assert only_row(csv, "prompt,duration\nA fox,007\n").duration_s == 7


@pytest.mark.parametrize("model", load_catalogue().values(), ids=lambda model: model.id)
def test_longest_clip_of_each_model_is_accepted(csv: Path, model: VideoModel) -> None:
    for ratio in model.aspect_ratios:
        text = f"prompt,model,duration,aspect_ratio\nA fox,{model.id},{model.max_duration_s},{ratio}\n"
        assert only_row(csv, text).duration_s == model.max_duration_s


def test_rows_can_be_hashed_and_pickled(csv: Path) -> None:
    row = only_row(csv, "prompt,meta.client\nA fox,Lucero\n")
    assert pickle.loads(pickle.dumps(row)) == row
    assert len({row, row}) == 1


# The form of the file


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiter_line_end_and_byte_order_mark_do_not_matter(
    csv: Path, delimiter: str, ending: str, mark: str
) -> None:
    lines = [["id", "prompt", "duration"], ["s-1", '"A fox, red; at ""dawn"""', "5"], ["s-2", "An owl", ""]]
    prompts = read(csv, mark + ending.join(delimiter.join(line) for line in lines))
    assert [row.prompt for row in prompts.rows] == ['A fox, red; at "dawn"', "An owl"]
    assert [row.source_line for row in prompts.rows] == [2, 3]


def test_lines_are_physical_lines(csv: Path) -> None:
    prompts = read(csv, '\nprompt,id\n\n"A fox\nin the\nsnow",s-1\n\n,\nAn owl,s-2\n')
    assert [row.source_line for row in prompts.rows] == [4, 9]


def test_line_separators_of_unicode_do_not_end_a_line(csv: Path) -> None:
    prompts = read(csv, "prompt,id\nA fox\u2028in snow,s-1\nAn owl,s-2\n")
    assert [row.source_line for row in prompts.rows] == [2, 3]
    assert prompts.rows[0].prompt == "A fox\u2028in snow"


def test_raw_records_are_kept_in_order_for_the_results(csv: Path) -> None:
    csv.write_text("id,prompt\ns-1, A fox \ns-2\ns-3,An owl\n")
    prompts = read_prompts(csv, ReadOptions(skip_bad_rows=True))
    assert list(prompts.sheets[0].records.items()) == [(2, ("s-1", " A fox ")), (3, ("s-2",)), (4, ("s-3", "An owl"))]


def test_the_first_records_keep_the_keys_they_have_in_the_whole_file(csv: Path) -> None:
    csv.write_text("prompt,take\ncat,\ncat,\n,9\ncat,1\n", "utf-8")
    whole = read_prompts(csv, ReadOptions(skip_bad_rows=True))
    first = whole.first(3)
    assert [row.take for row in first.rows] == [2, 3]  # take 1 is that of the last line
    assert first.rows == whole.rows[:2]
    assert [row.source_line for row in first.rejected] == [4]
    assert list(first.sheets[0].records) == [2, 3, 4]
    assert whole.first(None) is whole.first(4) is whole


def test_source_is_the_file_as_it_was_named(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv.write_text("prompt\nA fox\n")
    monkeypatch.chdir(csv.parent)
    assert read_prompts("shots.csv").rows[0].source == "shots.csv"


# Takes


def test_identical_rows_are_numbered(csv: Path) -> None:
    assert takes(csv, "prompt,duration\nA fox,5\nAn owl,5\nA fox,\n A fox ,5\n") == [1, 1, 2, 3]


def test_explicit_takes_are_reserved_before_the_others_are_numbered(csv: Path) -> None:
    assert takes(csv, "prompt,take\nA fox,\nA fox,\nA fox,1\nA fox,3\nA fox,\n") == [2, 4, 1, 3, 5]


def test_a_take_makes_another_row(csv: Path) -> None:
    first, second = read(csv, "prompt,take\nA fox,1\nA fox,2\n").rows
    assert first.row_key != second.row_key


# Bad rows that are skipped


def test_bad_rows_are_set_aside_when_they_may_be_skipped(csv: Path) -> None:
    csv.write_text("id,prompt,duration\ns-1,A fox,5\ns-2,An owl,99\ns-3,A cat,\n")
    prompts = read_prompts(csv, ReadOptions(skip_bad_rows=True))
    (bad,) = prompts.rejected
    assert [row.prompt_id for row in prompts.rows] == ["s-1", "s-3"]
    assert (bad.source_line, bad.prompt_id, bad.prompt, bad.cells) == (3, "s-2", "An owl", ("s-2", "An owl", "99"))
    assert [error.column for error in bad.errors] == ["duration"]


def test_a_bad_row_reserves_no_take(csv: Path) -> None:
    csv.write_text("prompt,take,id\nA fox,1,same\nAn owl,,same\nA fox,2,same\nA fox,2,other\n")
    prompts = read_prompts(csv, ReadOptions(skip_bad_rows=True))
    assert [(row.prompt, row.take) for row in prompts.rows] == [("A fox", 1), ("A fox", 2)]
    assert [row.source_line for row in prompts.rejected] == [3, 4]


def test_every_fault_of_a_row_is_told_at_once(csv: Path) -> None:
    csv.write_text("prompt,model,duration,aspect_ratio,take\n,fal/kling-2,11,4:3,0\n")
    with pytest.raises(InputError) as refused:
        read_prompts(csv)
    assert [error.column for error in refused.value.errors] == ["prompt", "take", "duration", "aspect_ratio"]


def test_faults_of_the_file_are_refused_even_when_bad_rows_may_be_skipped(csv: Path) -> None:
    csv.write_text('prompt\nA fox\n"An owl\n')
    with pytest.raises(InputError, match="never closed"):
        read_prompts(csv, ReadOptions(skip_bad_rows=True))


def test_unknown_default_model_is_a_wrong_setting(csv: Path) -> None:
    with pytest.raises(SettingsError, match=r"fal/kling-9 does not exist; use one of google/veo-3\.1, "):
        read_prompts(csv, default_model="fal/kling-9")


# The sample


def test_sample_is_good_and_shows_everything() -> None:
    prompts = read_prompts(SAMPLE)
    models = Counter(row.model for row in prompts.rows)
    assert len(prompts.rows) == 24
    assert set(models) == set(load_catalogue())
    assert {row.aspect_ratio for row in prompts.rows} == {"16:9", "9:16", "1:1", "4:3"}
    assert {name for row in prompts.rows for name in row.metadata} == {"campaign", "client"}
    assert any(row.fallback for row in prompts.rows)
    assert all(row.prompt_id for row in prompts.rows)
