"""Writes the settings and verbs of `docs/usage.md` from the code (`make docs`); a test compares them.

The page has blocks between ``<!-- settings -->`` and ``<!-- end of settings -->``, and the like for ``verbs``.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclopts import App, Argument

from cli.app import app
from dailies.settings import Settings, variable

PAGE = Path("docs/usage.md")


def main() -> None:
    """Update the page."""
    text = PAGE.read_text("utf-8")
    PAGE.write_text(with_blocks(text), "utf-8")
    sys.stdout.write(f"{PAGE} is up to date.\n")


def with_blocks(text: str) -> str:
    """Return the page with current blocks."""
    for name, lines in (("settings", settings_block()), ("verbs", verbs_block())):
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = "\n".join([before + begin, "", *lines, "", end + rest.partition(end)[2]])
    return text


def settings_block() -> Iterator[str]:
    """Yield a table of every setting: variable, values, default, meaning."""
    properties = Settings.model_json_schema()["properties"]
    yield from ("| variable | values | default | meaning |", "|---|---|---|---|")
    for name, field in Settings.model_fields.items():
        schema = properties.get(variable(name)) or properties[name]
        default = "" if field.default is None or field.default_factory else f"`{field.default}`"
        yield f"| `{variable(name)}` | {_values(schema)} | {default or 'none'} | {field.description} |"


def _values(schema: dict[str, Any]) -> str:
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kind = next((kind for kind in kinds if kind.get("type") in ("number", "integer")), kinds[0])
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind.get("type") not in ("number", "integer"):
        return {"path": "folder", "password": "secret", "object": "table", "boolean": "`true`, `false`"}.get(
            kind.get("format", kind.get("type", "")), "text"
        )
    low = f"from {kind['minimum']:g}" if "minimum" in kind else f"above {kind.get('exclusiveMinimum', 0):g}"
    return f"{low} to {kind['maximum']:,g}" if "maximum" in kind else low


def verbs_block() -> Iterator[str]:
    """Yield a section for every verb: what it does, an example, its options."""
    for path, verb in _verbs(app):
        arguments = shown_arguments(verb)
        places = "".join(f" {argument.names[0]}" for argument in arguments if not argument.names[0].startswith("-"))
        yield from (f"### `dailies {' '.join(path)}{places}`", "", _words(verb), "")
        if arguments:
            yield from ("| option | meaning |", "|---|---|")
            for argument in arguments:
                names = ", ".join(f"`{name}`" for name in argument.names if name not in argument.negatives)
                yield f"| {names} | {argument.parameter.help} |"
            yield ""


def shown_arguments(verb: App) -> list[Argument]:
    """Return the arguments of a verb that its help shows."""
    found = verb.assemble_argument_collection(parse_docstring=True) if verb.default_command else ()
    return [argument for argument in found if argument.show]


def _verbs(parent: App, *path: str) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in parent:
        verb = parent[name]
        if name.startswith("-") or not verb.show:
            continue
        yield (*path, name), verb
        yield from _verbs(verb, *path, name)


def _words(verb: App) -> str:
    text = inspect.cleandoc((verb.default_command.__doc__ if verb.default_command else verb.help) or "")
    return re.sub(r"Example: (.*)", r"Example: `\1`", text)


if __name__ == "__main__":
    main()
