"""The `dailies` command: its verbs, and how it shows an error."""

import os
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version

from cyclopts import App, Parameter

from cli.commands.abandon import abandon
from cli.commands.demo import demo
from cli.commands.deploy import deploy
from cli.commands.doctor import doctor
from cli.commands.failed import failed
from cli.commands.ledger import app as ledger_app
from cli.commands.mirror import mirror
from cli.commands.new import new
from cli.commands.plan import plan
from cli.commands.report import report
from cli.commands.results import results
from cli.commands.run import run
from cli.commands.serve import serve
from cli.commands.server import app as server_app
from cli.commands.settle import settle
from cli.commands.status import status
from cli.commands.validate import validate
from cli.error_messages import explain
from cli.screen.console import complain, replace_unknown_characters, say_json, silence
from dailies.prompts.sources.source_names import STDIN, STDIN_FILE
from dailies.redaction import redact
from dailies.report.output import STDOUT_FILE

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

app = App(
    name="dailies",
    help="Make AI videos from sheets of prompts. Example: dailies plan prompts.csv",
    version=version("dailies"),
    default_parameter=Parameter(negative="", show_default=False),
    suppress_keyboard_interrupt=False,  # main shows it
)
app.command(new, sort_key=0)
app.command(validate, sort_key=1)
app.command(plan, sort_key=2)
app.command(run, sort_key=3)
app.command(status, sort_key=4)
app.command(results, sort_key=5)
app.command(failed, sort_key=6)
app.command(settle, sort_key=7)
app.command(abandon, sort_key=8)
app.command(report, sort_key=9)
app.command(mirror, sort_key=9)
app.command(doctor, sort_key=9)
app.command(deploy, sort_key=10)
app.command(serve, sort_key=11)
app.command(demo, show=False)
app.command(ledger_app)
app.command(  # imported when it runs: the web server takes a while
    "cli.commands.sandbox:app",
    name="sandbox",
    help="Run a local GeekHub: real videos, no money.\n\nExample: dailies sandbox --speed 60",
    sort_key=20,
)
app.command(server_app)
app["--help"].show = app["--version"].show = False  # they are well known, and the screen is full
app.register_install_completion_command(help="Install completion for your shell.")


def _name_devices(arguments: Iterable[str]) -> Iterator[str]:
    """Replace ``-``, which the parser would take for an option, by the device: standard output after -o, else input."""
    before = ""
    for word in arguments:
        device = STDOUT_FILE if before in ("-o", "--output") else STDIN_FILE
        yield device if word == STDIN else word
        before = word


def _show_error(message: str, *, as_json: bool) -> None:
    if not message:  # the reader of standard output is gone
        silence(sys.stdout)
        return
    if as_json:
        say_json({"error": message})
    complain(message)


def spare_loopback_the_proxy() -> None:
    """Keep requests to this computer (the sandbox, the local Prefect server) away from any proxy of the environment."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host for host in known.split(",") if host.strip()]
    spared = ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])
    os.environ.update(no_proxy=spared, NO_PROXY=spared)


def main() -> None:
    """Run the command; turn every error into one message and an exit code (2: refused before anything was spent)."""
    arguments = sys.argv[1:]
    words = list(_name_devices(word for word in arguments if word != "--debug"))
    spare_loopback_the_proxy()
    replace_unknown_characters()
    try:
        code = app(words, result_action="return_value", exit_on_error=False, print_error=False)
    except BaseException as error:  # the outer edge: everything becomes a message
        if isinstance(error, SystemExit) or "--debug" in arguments:
            raise
        message, code = explain(error)
        _show_error(redact(message), as_json="--json" in arguments)
    sys.exit(code if isinstance(code, int) else 0)
