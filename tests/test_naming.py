"""Names of results and reports: short where that is enough, and never one for two sources."""

from pathlib import Path

import pytest

from dailies.naming import name_of


def test_a_csv_of_the_working_folder_keeps_its_own_name(tmp_path: Path) -> None:
    assert name_of(("prompts.csv",)) == "prompts"
    assert name_of((str(tmp_path / "prompts.csv"),)) == "prompts"
    assert name_of(("./my prompts.v2.csv",)) == "my prompts.v2"


def test_no_two_sources_have_one_name(tmp_path: Path) -> None:
    sources = [
        ("p.csv",),
        ("p.xlsx",),
        ("p.xlsx#Night",),
        ("p.xlsx#Day",),
        ("p",),
        ("a/p.csv",),
        ("b/p.csv",),
        ("../p.csv",),
        ("data/prompts/p.csv",),
        ("p.csv", "q.csv"),
        ("p.csv", "r.csv"),
        ("https://files.test/p.csv",),
        ("https://files.test/p.csv?0123abcd",),
        ("https://other.test/p.csv",),
        ("a:b.csv",),
        ("a-b.csv",),
    ]
    names = [name_of(source) for source in sources]
    assert len(set(names)) == len(sources)
    assert not [name for name in names if "/" in name]


def test_a_source_is_called_the_same_however_it_is_written(tmp_path: Path) -> None:
    assert name_of(("a/p.csv",)) == name_of(("./b/../a/p.csv",)) == name_of((str(tmp_path / "a/p.csv"),))


def test_a_working_folder_that_is_mounted_elsewhere_changes_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = name_of(("a/p.csv",))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert name_of(("a/p.csv",)) == before
