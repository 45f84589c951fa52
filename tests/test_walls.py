"""The house: imports run one way, in no circle; the library knows no Prefect, the sandbox no client, flows no types."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("cli", "flows", "tasks", "dailies")


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the house by its dotted name."""
    paths = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
    return {module_name(path): ast.parse(path.read_text("utf-8")) for path in paths}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.Module, *, at_import: bool = False) -> Iterator[str]:
    """The dotted names of what a module imports, ``a.b.c`` for ``from a.b import c``, too.

    With ``at_import``, only what is imported when the module itself is: nothing in functions, nothing for type
    checkers.
    """
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if at_import and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_type_checkers(node)):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        todo += ast.iter_child_nodes(node)


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def home(name: str) -> str | None:
    """The module of the house that an imported name lives in, None for anybody else's."""
    while name:
        if name in modules():
            return name
        name = name.rpartition(".")[0]
    return None


def imported(name: str, *, at_import: bool = False) -> set[str]:
    found = {home(target) for target in imports(modules()[name], at_import=at_import)}
    return {target for target in found if target is not None} - {name}


def layer(name: str) -> int:
    return LAYERS.index(name.partition(".")[0])


def test_imports_run_one_way():
    upwards = [(name, target) for name in modules() for target in imported(name) if layer(target) < layer(name)]

    assert upwards == []


def test_no_modules_import_each_other_in_a_circle():
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name not in done:
            for target in imported(name, at_import=True):
                walk(target, (*way, name))
            done.add(name)

    for name in modules():
        walk(name, ())


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("dailies")])
def test_the_library_never_imports_prefect(name):
    assert not [target for target in imports(modules()[name]) if target.partition(".")[0].startswith("prefect")]


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("dailies.gateway")])
def test_the_sandbox_shares_nothing_with_the_client_but_the_catalogue(name):
    """They meet over HTTP only, so they cannot agree by accident."""
    shared = {target for target in imported(name) if not target.startswith("dailies.gateway")}

    assert shared <= {"dailies", "dailies.catalogue"}


@pytest.mark.parametrize("name", [n for n in modules() if n.startswith("dailies") and ".gateway" not in n])
def test_the_library_never_imports_the_sandbox(name):
    assert not [target for target in imported(name) if target.startswith("dailies.gateway")]


def defines_a_flow(tree: ast.Module) -> bool:
    decorators = (
        decorator for node in tree.body if isinstance(node, ast.AsyncFunctionDef) for decorator in node.decorator_list
    )
    return any("'flow'" in ast.dump(decorator) for decorator in decorators)


def test_there_are_flows_to_look_at():
    assert {"flows.generate", "flows.batch"} <= {name for name, tree in modules().items() if defines_a_flow(tree)}


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("flows")])
def test_flows_define_no_types(name):
    """A path entrypoint would load them twice, and no ``isinstance`` would hold; types are at home in the library."""
    assert not [node.name for node in ast.walk(modules()[name]) if isinstance(node, ast.ClassDef)]


def test_only_the_client_and_who_reads_its_answers_know_the_paths_of_the_api():
    """Others fetch finished videos; none but the client speaks to GeekHub."""
    speakers = {
        name
        for name, tree in modules().items()
        if name.startswith("dailies") and not name.startswith("dailies.gateway")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and str(node.value).startswith(("/videos", "/credits", "/models"))
    }

    assert speakers == {"dailies.geekhub_client.client", "dailies.geekhub_client.responses"}


@pytest.mark.parametrize("reader", ["environ", "getenv"])
def test_the_environment_is_read_by_settings_alone(reader):
    """``failpoints`` is no setting, and says so itself."""
    readers = {
        name
        for name, tree in modules().items()
        if name.startswith("dailies") and not name.startswith("dailies.gateway")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == reader
    }

    assert readers <= {"dailies.settings", "dailies.system.failpoints"}
