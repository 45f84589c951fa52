"""The walls of the house: which room may import which, no circles, and things that only one file may do."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOPS = ("cli", "flows", "tasks", "dailies")

# Every edge between two rooms. "root" is the vocabulary: the modules directly in dailies/.
# Imports inside functions count. A new edge is a decision: add it here and in AGENTS.md, to an earlier row only.
ALLOWED = {
    "root": set(),
    "system": {"root"},
    "geekhub_client": {"root", "system"},
    "ledger": {"root", "system"},
    "prompts": {"root", "system"},
    "pacing": {"root", "ledger"},
    "planning": {"root", "system", "geekhub_client", "ledger", "prompts"},
    "mirror": {"root", "system", "ledger"},
    "run": {"root", "system", "geekhub_client", "ledger", "pacing", "planning"},
    "reconcile": {"root", "system", "geekhub_client", "ledger", "prompts", "pacing", "run"},
    "report": {"root", "system", "ledger", "prompts", "planning", "mirror", "reconcile"},
    "tasks": {"root", "geekhub_client", "ledger", "pacing", "planning", "mirror", "run", "reconcile", "report"},
    "flows": {"root", "ledger", "prompts", "planning", "mirror", "run", "reconcile", "report", "tasks"},
    "flows.deployment": {"root", "flows", "tasks"},
    "gateway": {"root", "system"},
    "cli": {
        *("root", "system", "geekhub_client", "ledger", "prompts", "planning", "mirror", "run", "reconcile", "report"),
        *("flows", "flows.deployment", "gateway"),
    },
}
# The gateway shares nothing with its client but the catalogue and the edge to the operating system: they meet over
# HTTP and cannot agree by accident.
GATEWAY_SHARES = {"dailies.catalogue"}


@cache
def modules() -> dict[str, ast.Module]:
    """Parse every module of the house; return them by dotted name."""
    paths = sorted(path for top in TOPS for path in (ROOT / top).rglob("*.py"))
    return {module_name(path): ast.parse(path.read_text("utf-8")) for path in paths}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a module imports, also in functions; ``a.b.c`` for ``from a.b import c``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home(name: str) -> str | None:
    """Return the module of the house that contains an imported name; None if the name is not ours."""
    while name:
        if name in modules():
            return name
        name = name.rpartition(".")[0]
    return None


@cache
def imported(name: str) -> frozenset[str]:
    found = {home(target) for target in imports(modules()[name])}
    return frozenset(target for target in found if target is not None) - {name}


def room(name: str) -> str:
    parts = name.split(".")
    if parts[:2] == ["flows", "deployment"]:
        return "flows.deployment"
    if parts[0] != "dailies":
        return parts[0]
    return parts[1] if len(parts) > 1 and (ROOT / "dailies" / parts[1]).is_dir() else "root"


def circles(graph: dict[str, frozenset[str]]) -> list[str]:
    """Return every circle that a walk of the graph finds, as ``a -> b -> a``."""
    done: set[str] = set()
    found: list[str] = []

    def walk(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            found.append(" -> ".join((*way[way.index(name) :], name)))
        elif name not in done:
            for target in sorted(graph[name]):
                walk(target, (*way, name))
            done.add(name)

    for name in graph:
        walk(name, ())
    return found


def test_every_edge_between_rooms_is_in_the_table():
    edges = {(room(name), room(target)): f"{name} -> {target}" for name in modules() for target in imported(name)}
    new = [example for (start, end), example in edges.items() if start != end and end not in ALLOWED[start]]

    assert new == []


def test_the_table_has_no_edge_that_is_gone():
    edges = {(room(name), room(target)) for name in modules() for target in imported(name)}

    assert [(start, end) for start, ends in ALLOWED.items() for end in ends if (start, end) not in edges] == []


def test_rooms_import_each_other_in_no_circle():
    assert circles({start: frozenset(ends) for start, ends in ALLOWED.items()}) == []


def test_files_import_each_other_in_no_circle():
    assert circles({name: imported(name) for name in modules()}) == []


def test_the_library_never_imports_prefect():
    offenders = [
        f"{name}: {target}"
        for name, tree in modules().items()
        if name.startswith("dailies")
        for target in imports(tree)
        if target.partition(".")[0].startswith("prefect")
    ]

    assert offenders == []


def test_the_gateway_shares_nothing_with_its_client_but_the_catalogue():
    shared = {target for name in modules() if room(name) == "gateway" for target in imported(name)}

    assert {target for target in shared if room(target) not in ("gateway", "system")} <= GATEWAY_SHARES


def test_there_are_flows_to_check():
    """A path entrypoint would load the types of a flow's file twice, and ``isinstance`` would fail."""
    flows = {name for name in modules() if name.startswith("flows")}

    assert {"flows.generate", "flows.batch", "flows.settle", "flows.mirror"} <= flows
    assert [
        f"{name}: {node.name}" for name in flows for node in ast.walk(modules()[name]) if isinstance(node, ast.ClassDef)
    ] == []


def constants(name: str) -> Iterator[str]:
    return (str(node.value) for node in ast.walk(modules()[name]) if isinstance(node, ast.Constant))


def library() -> Iterator[str]:
    return (name for name in modules() if name.startswith("dailies") and room(name) != "gateway")


def test_only_the_client_knows_the_paths_of_the_api():
    """Other code downloads finished videos; only the client calls GeekHub's API."""
    speakers = {
        name
        for name in library()
        if any(text.startswith(("/videos", "/credits", "/models")) for text in constants(name))
    }

    assert speakers == {"dailies.geekhub_client.client", "dailies.geekhub_client.responses"}


def test_only_the_catalogue_opens_its_file():
    assert {name for name in modules() if "catalogue.toml" in constants(name)} == {"dailies.catalogue"}


def test_only_settings_read_the_environment():
    """A failpoint is not a setting, and its module says so."""
    readers = {
        name
        for name in library()
        for node in ast.walk(modules()[name])
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }

    assert readers <= {"dailies.settings", "dailies.system.failpoints"}
