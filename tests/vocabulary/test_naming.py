"""Names of results and reports are short if possible, and two sources never share one."""

from pathlib import Path

import pytest

from dailies.naming import full_name, name_of, owner_of


def test_a_csv_of_the_working_folder_keeps_its_own_name(tmp_path: Path) -> None:
    assert name_of(("prompts.csv",), {}) == "prompts"
    assert name_of((str(tmp_path / "prompts.csv"),), {}) == "prompts"
    assert name_of(("./my prompts.v2.csv",), {}) == "my prompts.v2"


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
    names = [name_of(source, {}) for source in sources]
    assert len(set(names)) == len(sources)
    assert not [name for name in names if "/" in name]


def test_a_source_is_called_the_same_however_it_is_written(tmp_path: Path) -> None:
    assert name_of(("a/p.csv",), {}) == name_of(("./b/../a/p.csv",), {}) == name_of((str(tmp_path / "a/p.csv"),), {})


def test_a_working_folder_that_is_mounted_elsewhere_changes_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = name_of(("a/p.csv",), {})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert name_of(("a/p.csv",), {}) == before


def test_a_name_that_belongs_to_another_folders_source_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "a").mkdir(parents=True)
        (tmp_path / name / "p.csv").touch()
        (tmp_path / name / "a" / "p.csv").touch()
    monkeypatch.chdir(tmp_path / "one")
    owners = {name_of(source, {}): owner_of(source) for source in (("p.csv",), ("a/p.csv",))}
    assert {name_of(("p.csv",), owners), name_of(("a/p.csv",), owners)} == set(owners)

    monkeypatch.chdir(tmp_path / "two")
    assert not {name_of(("p.csv",), owners), name_of(("a/p.csv",), owners)} & set(owners)

    (tmp_path / "one" / "p.csv").unlink()
    assert name_of(("p.csv",), owners) == "p"


def test_a_full_name_follows_a_linked_folder_but_not_a_linked_file(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "monday.csv").touch()
    (tmp_path / "link").symlink_to(folder)
    (folder / "latest.csv").symlink_to(folder / "monday.csv")

    assert full_name(str(tmp_path / "link" / "monday.csv")) == str(folder.resolve() / "monday.csv")
    assert full_name(str(folder / "latest.csv")) == str(folder.resolve() / "latest.csv")
    assert full_name("https://files.test/p.csv") == "https://files.test/p.csv"
