"""Files as other people and programs write them: one command reads each without an edit, or the message names it."""

import gzip
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from openpyxl import Workbook

from dailies.errors import InputError
from dailies.prompts.options import AS_WRITTEN, ReadOptions
from dailies.prompts.reader import PromptFile, read_prompts
from tests.prompts.foreign_cases import HEADERS, PROPOSED, READ

CASES = Path(__file__).parent / "cases"


@pytest.fixture(autouse=True)
def cases(tmp_path: Path) -> None:
    shutil.copytree(CASES, tmp_path, dirs_exist_ok=True)


def read(name: str, content: str | bytes, options: ReadOptions = AS_WRITTEN) -> PromptFile:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_prompts(name, options)


def refusal(name: str, options: ReadOptions = AS_WRITTEN, *, quote: bool = True) -> InputError:
    with pytest.raises(InputError) as refused:
        read_prompts(name, options, quote=quote)
    return refused.value


def options_of(command: str) -> tuple[list[str], ReadOptions]:
    """Take a command apart as the shell and the command line do."""
    from cyclopts import App

    from cli.commands.options import Csv, Reading

    app = App()

    @app.default
    def plan(csv: Csv, /, *, reading: Reading = AS_WRITTEN) -> tuple[list[str], ReadOptions]:
        return list(csv), reading

    dailies, verb, *words = shlex.split(command)
    assert (dailies, verb) == ("dailies", "plan")
    found = app(words, exit_on_error=False, result_action="return_value")
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_as_it_is_and_what_was_decided_is_said(name: str) -> None:
    options, prompts, notes = READ[name]
    file = read_prompts(name, options)
    assert [row.prompt for row in file.rows] == prompts
    assert [note.removeprefix(name) for note in file.notes] == notes


@pytest.mark.parametrize("name", PROPOSED)
def test_the_message_about_a_foreign_file_ends_with_the_command_that_reads_it(name: str) -> None:
    error = refusal(name)
    assert str(error).splitlines()[-1] == f"This reads it: dailies plan {name} {PROPOSED[name]}"
    sources, options = options_of(error.command)
    assert read_prompts(sources, options).rows


@pytest.mark.parametrize("content", HEADERS)
def test_a_mapping_is_found_by_likeness_and_by_content(content: str) -> None:
    Path("shots.csv").write_text(content, "utf-8")
    error = refusal("shots.csv")
    assert error.command == f"dailies plan shots.csv {HEADERS[content]}"
    sources, options = options_of(error.command)
    assert read_prompts(sources, options).rows


def test_off_a_terminal_no_word_of_a_header_is_quoted_and_the_command_works_all_the_same() -> None:
    for name in PROPOSED:
        error = refusal(name, quote=False)
        if name == "shop.csv":  # only a template helps there, and a template names columns
            assert not error.command
            continue
        words = {"prompt_en", "Video", "Engine", "Texto", "Motor", "negative", "Challenge", "walking"}
        assert not [word for word in words if word in str(error)], str(error)
        sources, options = options_of(error.command)
        assert read_prompts(sources, options).rows


def test_auto_applies_the_mapping_and_says_what_it_did() -> None:
    file = read_prompts("guion.xlsx", ReadOptions(columns="auto", others="meta"), quote=True)
    assert [(row.model, row.duration_s) for row in file.rows] == [("fal/kling-2", 5), ("google/veo-3.1", 8)]
    assert file.rows[0].metadata == {"escena": "1", "notas": "abrir con esto"}
    assert "columns found by likeness: model is Motor, duration is Duración (s), prompt is Texto" in file.notes[1]
    assert [row.prompt for row in read_prompts("list.txt", ReadOptions(columns="auto")).rows][2:] == [
        "a dog, a cat, and a bird"
    ]
    assert refusal("parti.tsv", ReadOptions(columns="auto")).command == "dailies plan parti.tsv --others meta"


def test_auto_takes_no_first_record_for_a_header() -> None:
    Path("shots.csv").write_text("A fox in the snow,fal/kling-2\nAn owl at night,google/veo-3.1\n")
    assert "--no-header" in refusal("shots.csv", ReadOptions(columns="auto")).command
    assert len(read("shots.txt", "A fox in the snow\nAn owl at night\n", ReadOptions(columns="auto")).rows) == 2


def test_nothing_is_mapped_without_being_asked_for() -> None:
    for content in HEADERS:
        Path("shots.csv").write_text(content, "utf-8")
        refusal("shots.csv")
        refusal("shots.csv", ReadOptions(skip_bad_rows=True))


def test_several_files_may_have_different_headers() -> None:
    Path("a.csv").write_text("text,engine\nA fox,fal/hailuo-02\n")
    Path("b.csv").write_text("caption\nAn owl\n")
    Path("c.csv").write_text("prompt\nA cat\n")
    error = refusal("a.csv")
    assert error.command == "dailies plan a.csv --columns prompt=text,model=engine"
    with pytest.raises(InputError) as refused:
        read_prompts(["a.csv", "b.csv", "c.csv"], quote=True)
    assert len(refused.value.errors) == 2
    sources, options = options_of(refused.value.command)
    assert [row.prompt for row in read_prompts(sources, options).rows] == ["A fox", "An owl", "A cat"]


def test_no_command_is_proposed_that_reads_only_some_of_the_files() -> None:
    Path("a.csv").write_text("text\nA fox\n")
    Path("b.csv").write_text("prompt\nEl niño\n", "cp1252")
    with pytest.raises(InputError) as refused:
        read_prompts(["a.csv", "b.csv"], quote=True)
    assert len(refused.value.errors) == 2
    assert not refused.value.command


def test_a_list_in_a_workbook_keeps_its_first_prompt() -> None:
    workbook = Workbook()
    for text in (sentences := ["A red fox crosses a frozen river", "A girl runs on the beach", "A city at night"]):
        workbook.active.append([text])
    workbook.save("list.xlsx")
    sources, options = options_of(refusal("list.xlsx").command)
    assert [row.prompt for row in read_prompts(sources, options).rows] == sentences


def test_a_name_that_no_header_has_is_refused() -> None:
    Path("a.csv").write_text("prompt,engine\nA fox,fal/hailuo-02\n")
    assert "no source has a column Motor for model" in str(
        refusal("a.csv", ReadOptions(columns="model=Motor", others="meta"))
    )
    assert "there is no column promt" in str(refusal("a.csv", ReadOptions(columns="promt=engine")))
    assert "is not of the form column=name" in str(refusal("a.csv", ReadOptions(columns="prompt")))


def test_a_mapped_column_wins_over_one_with_the_known_name() -> None:
    file = read(
        "a.csv", 'prompt,"Prompt, long"\nfox,A red fox\n', ReadOptions(columns='prompt="Prompt, long"', others="meta")
    )
    assert (file.rows[0].prompt, file.rows[0].metadata) == ("A red fox", {"prompt": "fox"})


def test_a_template_may_name_any_column() -> None:
    template = "A {Title} by {Vendor}, {Google Shopping / MPN}{{x}} {Body (HTML)}"
    content = "Title,Vendor,Google Shopping / MPN,Body (HTML),model\nmug,Lucero,7,{red},fal/hailuo-02\n"
    (row,) = read("shop2.csv", content, ReadOptions(template=template, others="meta")).rows
    assert (row.prompt, row.model) == ("A mug by Lucero, 7{x} {red}", "fal/hailuo-02")
    (row,) = read("shop2.csv", content, ReadOptions(template="A {Title} on {model}", others="meta")).rows
    assert row.prompt == "A mug on fal/hailuo-02"


def test_a_style_takes_the_template_in_place_of_prompt() -> None:
    file = read_prompts("styles.csv", ReadOptions(template="a fox", others="ignore"))
    assert [row.prompt for row in file.rows][:2] == [
        "a fox",
        "cinematic still of a fox, shallow depth of field, film grain",
    ]
    assert "give the text by --template" in str(refusal("styles.csv", ReadOptions(others="ignore")))


def test_tabs_without_quoting_keep_their_quotes() -> None:
    rows = read_prompts("parti.tsv", ReadOptions(others="ignore")).rows
    assert [row.prompt for row in rows] == [
        'a sign that says "Deep Learning" on a wall',
        '"Hello" is written in the sand, in letters of shells',
        "an owl on a fence",
    ]
    quoted = read("q.tsv", 'prompt\tid\n"A sign ""Hi"""\t1\n"A fox\nruns"\t2\n')
    assert [row.prompt for row in quoted.rows] == ['A sign "Hi"', "A fox\nruns"]


# Encodings and packing

WORDS = "prompt,id\r\nCafé con leche,1\r\nUn zorro,2\r\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_text_says_by_itself_that_it_is_unicode(encoding: str) -> None:
    file = read("a.csv", WORDS.encode(encoding))
    assert [(row.prompt, row.source_line) for row in file.rows] == [("Café con leche", 2), ("Un zorro", 3)]
    assert file.notes == (() if encoding == "utf-8-sig" else ("a.csv: read as UTF-16",))
    marked = read("b.csv", b"\xfe\xff" + WORDS.encode("utf-16-be"))
    assert marked.rows[0].prompt == "Café con leche"


def test_another_encoding_is_read_by_option_with_the_proof() -> None:
    Path("a.csv").write_bytes(WORDS.encode("cp1252"))
    assert "say --encoding cp1252 if it was saved so: Café" in str(refusal("a.csv"))
    assert "Caf" not in str(refusal("a.csv", quote=False))
    file = read_prompts("a.csv", ReadOptions(encoding="cp1252"), quote=True)
    assert (file.rows[0].prompt, file.notes) == ("Café con leche", ("a.csv: read as cp1252: Café",))
    assert "leave out --encoding" in str(refusal_of("b.csv", WORDS.encode(), ReadOptions(encoding="latin-1")))
    assert "is no cp1252" in str(refusal_of("b.csv", b"prompt\n\x81\n", ReadOptions(encoding="cp1252")))


def refusal_of(name: str, content: bytes, options: ReadOptions = AS_WRITTEN) -> InputError:
    Path(name).write_bytes(content)
    return refusal(name, options)


def test_a_packed_file_is_read_by_what_is_in_it() -> None:
    assert read("a.csv.gz", gzip.compress(WORDS.encode())).rows[0].prompt == "Café con leche"
    assert read("a.tsv.gz", gzip.compress(b"prompt\tid\nA fox, red\t1\n")).rows[0].prompt == "A fox, red"
    assert read("a.jsonl.gz", gzip.compress(b'{"prompt": "A fox"}')).rows[0].prompt == "A fox"
    assert "the file cannot be unpacked" in str(refusal_of("b.csv.gz", gzip.compress(WORDS.encode())[:-9]))


# Shapes

SHAPES: dict[str, list[str]] = {
    '{"prompt": {"0": "A fox", "1": "An owl"}, "duration": {"0": 5, "1": null}}': ["A fox", "An owl"],
    '{"prompt": ["A fox", "An owl"], "id": ["1", "2"]}': ["A fox", "An owl"],
    '{"version": 2, "shots": [{"prompt": "A fox"}, {"prompt": "An owl"}]}': ["A fox", "An owl"],
    '{"s1": {"prompt": "A fox"}, "s2": {"prompt": "An owl"}}': ["A fox", "An owl"],
    '{"prompt": "A fox"}\n{\n"prompt": "An owl"\n}': ["A fox", "An owl"],
    '[{"prompt": "A fox"}, {"prompt": "An owl"}]': ["A fox", "An owl"],
    '\n[\n{"prompt": "A fox"},\n\n{"prompt": "An owl"}\n]\n': ["A fox", "An owl"],
}


@pytest.mark.parametrize("name", ["shots.json", "shots.jsonl", "shots"])
def test_json_is_read_in_every_shape(name: str) -> None:
    for content, prompts in SHAPES.items():
        assert [row.prompt for row in read(name, content).rows] == prompts, content


def test_json_texts_are_prompts_by_option() -> None:
    content = '["A fox runs", "An owl"]'
    assert [row.prompt for row in read("a.json", content, ReadOptions(lines=True)).rows] == ["A fox runs", "An owl"]
    assert [row.prompt for row in read("a.jsonl", '"A fox"\n"An owl"\n', ReadOptions(lines=True)).rows] == [
        "A fox",
        "An owl",
    ]
    Path("a.json").write_text(content)
    assert refusal("a.json").command == "dailies plan a.json --lines"


def test_lists_in_cells_are_kept_as_json() -> None:
    file = read_prompts("vbench.json", ReadOptions(columns="prompt=prompt_en", others="meta"))
    assert json.loads(file.rows[0].metadata["dimension"]) == ["color", "object_class"]
    assert file.rows[1].metadata == {"dimension": '["scene"]'}


def test_a_list_without_a_header_is_read_by_option() -> None:
    one = read("a.csv", '"A fox, red"\nAn owl\n', ReadOptions(no_header=True))
    assert [(row.prompt, row.source_line) for row in one.rows] == [("A fox, red", 1), ("An owl", 2)]
    several = read("b.csv", "s-1;An owl, red;8\n", ReadOptions(no_header=True, columns="prompt=2,id=1,duration=3"))
    assert [(row.prompt, row.prompt_id, row.duration_s) for row in several.rows] == [("An owl, red", "s-1", 8)]


def test_comments_are_left_out_by_option_but_not_inside_a_cell() -> None:
    content = '# made by hand\nprompt,id\n# not this\n"A fox\n# runs",1\n# nor this\n'
    file = read("a.csv", content, ReadOptions(comment="#"))
    assert [(row.prompt, row.source_line) for row in file.rows] == [("A fox\n# runs", 4)]
    assert file.notes == ("a.csv: 3 comment lines are left out",)


def test_rows_of_unticked_boxes_are_left_out() -> None:
    file = read("a.csv", "prompt,meta.done,meta.note\nA fox,TRUE,x\n,FALSE,\n,FALSE,\n")
    assert len(file.rows) == 1
    assert file.notes == ("a.csv lines 3, 4: rows with nothing but FALSE in them are left out",)


def test_missing_cells_are_read_as_empty_only_where_all_of_them_are_labels() -> None:
    Path("a.csv").write_text("prompt,meta.a,duration\nA fox\n")
    assert "the line has only 1 of the header's 3 cells" in str(refusal("a.csv"))
    assert read("b.csv", "prompt,duration,meta.a,meta.b\nA fox,5\n").notes == (
        "b.csv line 2: no cell for meta.a, meta.b, read as empty",
    )


def test_lock_files_beside_a_pattern_are_no_sources() -> None:
    Path("x").mkdir()
    for name in ("a.csv", "~$a.csv", ".~lock.a.csv#"):
        Path("x", name).write_text("prompt\nA fox\n")
    assert read_prompts("x/*").sources == ("x/a.csv",)


def test_a_column_that_the_results_have_too_does_not_hide_theirs() -> None:
    from dailies.planning.outcome import Outcome
    from dailies.report.results import result_columns

    file = read("a.csv", "prompt,status,reason\nA fox,done,x\n", ReadOptions(others="meta"))
    columns = result_columns(Outcome(file, ()))
    assert columns[:3] == ("prompt", "input status", "input reason")
    assert len(set(columns)) == len(columns)


# What is no prompt

ERRORS = (  # noqa: SIM905 - as a list it would take a page
    "#NAME? #REF! #N/A #VALUE! #DIV/0! #NULL! #NUM! #SPILL! #CALC! #GETTING_DATA #BEZUG! #WERT! #NV #¡REF! #¿NOMBRE? "
    "#¡VALOR! #N/D #NOM? #VALEUR! #ИМЯ? #\u041d/\u0414 #ERROR! Err:502 #### nan NaN NULL null None undefined <NA> NaT"
).split()


def test_errors_of_spreadsheets_are_refused_in_every_format() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    errors = [*ERRORS, "Loading...", "[object Object]", "A fox and [object Object]", "#N/A N/A"]
    Path("a.csv").write_text("prompt,id\n" + "".join(f"{text},{n}\n" for n, text in enumerate(errors)), "utf-8")
    Path("a.jsonl").write_text("\n".join(json.dumps({"prompt": text}) for text in errors), "utf-8")
    pq.write_table(pa.table({"prompt": errors}), "a.parquet")
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        found = refusal(name).errors
        assert [error.column for error in found] == ["prompt"] * len(errors), name
        assert len(read_prompts(name, ReadOptions(allow_error_texts=True)).rows) == len(errors)
    assert len(refusal("sheet_errors.csv").errors) == 12


def test_an_error_in_a_label_counts_where_the_prompt_needs_it() -> None:
    assert read("a.csv", "prompt,meta.x\nA fox,#REF!\n").rows[0].metadata == {"x": "#REF!"}
    Path("b.csv").write_text("prompt,meta.x\nA {x} fox,#REF!\n")
    assert "b.csv line 2, column meta.x: #REF! is the error of a spreadsheet" in str(refusal("b.csv"))
    assert "--allow-error-texts" in str(refusal("b.csv"))


def test_words_that_only_look_like_errors_are_prompts() -> None:
    for text in ("#sunset", "Nancy", "A null island", "#1 fan", "none of them smile", "A #REF! on a screen"):
        assert read("a.csv", f"prompt\n{text}\n").rows[0].prompt == text


REPEATED = {
    "id,prompt\na,A fox\nid,prompt\n": 3,
    "\ufeffprompt\nA fox\n\ufeffprompt\nAn owl\n": 3,
    "prompt,duration\nA fox,5\nPROMPT , Duration\n": 3,
    "prompt,duration\nA fox,5\nid,prompt\n": 3,
    "prompt,duration\nA fox,5\nprompt,model,meta.x\n": 3,
    'prompt,id\nA fox,1\n\ufeff"prompt","id"\n': 3,
    "prompt\nA fox\nprompt;duration\n": 3,
    "prompt,meta.a\nA fox,1\nprompt,\n": 3,
}


@pytest.mark.parametrize("content", REPEATED)
def test_a_header_in_the_middle_is_refused(content: str) -> None:
    Path("a.csv").write_text(content, "utf-8")
    (error,) = refusal("a.csv").errors
    assert (error.line, error.reason) == (REPEATED[content], "this row repeats the header")
    assert "cat_header" not in error.remedy
    for name in ("cat_header.csv", "cat_header_bom.csv"):
        assert "line 3: this row repeats the header" in str(refusal(name))


def test_prompts_with_nothing_to_see_are_refused() -> None:
    assert len(refusal("zero_width.csv").errors) == 6
    for char in "\u200b\ufeff\u2060\u00ad\u2800\u3164\u115f\u180e\u200e\ufe0f\u034f\uffa0":
        Path("a.csv").write_text(f"prompt,id\n{char},1\n", "utf-8")
        assert "there is nothing to see in it" in str(refusal("a.csv")) or "is empty" in str(refusal("a.csv"))
    assert read("b.csv", "prompt,id\n\u200b🦊,1\n").rows


def test_a_quote_that_swallows_rows_is_named_and_long_prompts_are_not() -> None:
    notes = read(
        "a.csv", 'prompt,model,duration\n"A fox,fal/kling-2,5\nAn owl,fal/kling-2,5\nA cat",fal/kling-2,5\n'
    ).notes
    assert [re.search(r"lines 2 to 4", note) is not None for note in notes] == [True]
    assert not read("b.csv", 'prompt,duration\n"A fox runs,\nthen it sleeps;\nthe end",5\n').notes


# Workbooks


def test_a_cell_is_the_text_that_libreoffice_exports() -> None:
    import csv

    with Path("texts.csv").open(encoding="utf-8", newline="") as file:
        exported = list(csv.reader(file))[1:]
    read_ones = read_prompts("texts.xlsx", ReadOptions(skip_bad_rows=True)).sheets[0].records
    assert list(map(list, read_ones.values())) == exported
    assert len(exported) == 19
