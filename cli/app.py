"""The `dailies` command: its verbs, and what an error looks like."""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version

from cyclopts import App, Parameter

from cli.commands.deploy import deploy, serve
from cli.commands.doctor import doctor
from cli.commands.ledger import abandon, failed, ledger_app, settle
from cli.commands.mirror import mirror
from cli.commands.report import report
from cli.commands.run import demo, plan, run
from cli.commands.sandbox import app as sandbox_app
from cli.commands.server import app as server_app
from cli.commands.validate import results, status, validate
from cli.error_messages import explain
from cli.proxy import spare_loopback_the_proxy
from cli.screen.console import complain, say_json, silence
from dailies.prompts.sources.source_names import STDIN, STDIN_FILE
from dailies.report.output import STDOUT_FILE

app = App(
    name="dailies",
    help="Prompts become AI videos, exactly accounted. Example: dailies plan prompts.csv",
    version=version("dailies"),
    default_parameter=Parameter(negative="", show_default=False),
    suppress_keyboard_interrupt=False,  # main has words for it
)
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
app.command(sandbox_app)
app.command(server_app)
app["--help"].show = app["--version"].show = False  # everybody knows them, and the screen is full
app.register_install_completion_command(help="Install completion for your shell.")


def _plain_words(asked: Iterable[str]) -> Iterator[str]:
    """``-`` under the name that a command line can carry: standard input, or after -o standard output."""
    before = ""
    for word in asked:
        device = STDOUT_FILE if before in ("-o", "--output") else STDIN_FILE
        yield device if word == STDIN else word
        before = word


def _tell(message: str, *, as_json: bool) -> None:
    if not message:  # nobody listens any more
        silence(sys.stdout)
        return
    if as_json:
        say_json({"error": message})
    complain(message)


def main() -> None:
    """Run the command; every error is one message and an exit code (2: refused before anything was spent)."""
    asked = sys.argv[1:]
    words = list(_plain_words(word for word in asked if word != "--debug"))
    spare_loopback_the_proxy()
    try:
        code = app(words, result_action="return_value", exit_on_error=False, print_error=False)
    except BaseException as error:  # the outer edge: everything becomes a message
        if isinstance(error, SystemExit) or "--debug" in asked:
            raise
        message, code = explain(error)
        _tell(message, as_json="--json" in asked)
    sys.exit(code if isinstance(code, int) else 0)
