"""Templates: what is in braces is filled in, everything else is sent as it stands."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.errors import InputError
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import PromptFile, read_prompts
from dailies.prompts.row_key import row_key
from dailies.prompts.templates import check_template, escape, fill

FILLED = [
    ("A {style} clip", "A warm clip"),
    ("{meta.style} {STYLE} {Style}", "warm warm warm"),
    ("A {{style}} clip", "A {style} clip"),
    ("A {{{style}}} clip", "A {warm} clip"),
    ("{shot size}", "wide"),
    ('{"scene": {"light": "{style}"}}', '{"scene": {"light": "warm"}}'),
    ('{"a": {style}}', '{"a": warm}'),
    ('{"a": {{style}}}', '{"a": {style}}'),
    ("{{ not a name }} {} { style } {style:>5}", "{{ not a name }} {} { style } {style:>5}"),
    ("100 % {", "100 % {"),
]


@pytest.mark.parametrize(("template", "expected"), FILLED)
def test_names_in_braces_are_filled_in(template: str, expected: str) -> None:
    values = {"style": "warm", "shot size": "wide"}
    assert fill(template, values, values) == (expected, [])


def test_what_was_filled_in_is_not_read_again() -> None:
    values = {"a": "{b}", "b": "x"}
    assert fill("{a}", values, values) == ("{b}", [])


def test_every_missing_name_is_told() -> None:
    _, faults = fill("{season} {stile} {style}", {"style": "warm"}, ("style", "season"))
    assert [str(fault.column) for fault in faults] == ["meta.season", "prompt"]
    assert faults[0].reason == "meta.season is empty, but the prompt needs it for {season}"
    assert faults[1].remedy.startswith("did you mean {style}? Otherwise add the column, or write {{stile}}")


@pytest.mark.parametrize("template", ["{{style}", "{{{style}}", "{{{{style}"])
def test_braces_that_do_not_match_are_told(template: str) -> None:
    (fault,) = check_template(template, ["style"])
    assert fault.reason == "the braces around style do not match"


@settings(deadline=None)
@given(st.text())
def test_a_text_without_names_in_braces_is_itself(text: str) -> None:
    plain = text.replace("{", "( ").replace("}", " )")
    assert fill(plain, {}, ()) == (plain, [])


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text(min_size=1)), st.text("{}ab .", max_size=12))
def test_any_template_is_filled_or_told(values: dict[str, str], template: str) -> None:
    text, faults = fill(template, values, ("a", "b"))
    assert isinstance(text, str)
    assert all(fault.reason and fault.remedy for fault in faults)


@settings(deadline=None)
@given(st.text("{}ab .", max_size=14))
def test_what_was_sent_can_be_written_so_that_it_is_sent_again(sent: str) -> None:
    text, faults = fill(escape(sent), {"a": "x"}, ("a",))
    assert text == sent or faults


# In a file


def read(path: Path, text: str, template: str | None = None) -> PromptFile:
    (path / "shots.csv").write_text(text, "utf-8")
    return read_prompts(path / "shots.csv", ReadOptions(template=template))


def test_what_was_filled_in_is_what_is_hashed(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "prompt,meta.style\n A {style} fox ,  warm \n").rows
    assert row.prompt == "A warm fox"
    assert row.row_key == row_key("A warm fox", "fal/kling-2", 5, "16:9", 1)


def test_a_template_stands_in_for_prompts_that_are_not_there(tmp_path: Path) -> None:
    file = read(tmp_path, "meta.style,prompt\nwarm,\ncold,An owl\n", template=" A {style} fox ")
    assert [row.prompt for row in file.rows] == ["A warm fox", "An owl"]
    assert file.expanded


def test_a_template_needs_no_column_of_prompts(tmp_path: Path) -> None:
    assert read(tmp_path, "Meta.Style\nwarm\n", template="A {style} fox").rows[0].prompt == "A warm fox"


def test_an_empty_value_is_a_fault_of_its_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 3, column meta.style: meta.style is empty, but the prompt needs it"):
        read(tmp_path, "meta.style,id\nwarm,1\n,2\n", template="A {style} fox")


def test_a_template_that_no_row_can_fill_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, "meta.style\nwarm\ncold\n", template="A {season} fox")
    assert len(refused.value.errors) == 1
    assert "shots.csv: --template: there is no column meta.season for {season}; add the column" in str(refused.value)


def test_a_template_that_no_row_needs_may_have_any_names(tmp_path: Path) -> None:
    assert read(tmp_path, "prompt\nA fox\n", template="A {season} fox").rows[0].prompt == "A fox"


@pytest.mark.parametrize("template", ["", "  ", "x" * 4001, "a\x07b"])
def test_an_impossible_template_is_refused(tmp_path: Path, template: str) -> None:
    with pytest.raises(InputError, match=r"^--template: "):
        read(tmp_path, "meta.style\nwarm\n", template=template)


def test_a_prompt_that_is_too_long_when_filled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the prompt has 4001 characters"):
        read(tmp_path, f"prompt,meta.x\nA {{x}}{{x}},{'y' * 1999}z\n".replace("z", "") + f"A {{x}},{'y' * 3999}\n")


def test_prompts_in_json_are_sent_as_they_stand(tmp_path: Path) -> None:
    text = '{"scene": {"subject": "a fox", "camera": {"move": "dolly"}}}'
    (row,) = read(tmp_path, 'prompt\n"' + text.replace('"', '""') + '"\n').rows
    assert row.prompt == text
