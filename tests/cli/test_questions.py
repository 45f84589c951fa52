"""Questions on a terminal: real money is asked for, no is no, and Ctrl-C loses nothing."""

import contextlib
import os
import pty
import signal
import subprocess

import pytest

from tests.cli.place import Place
from tests.workplace import DAILIES


@pytest.mark.parametrize("answer", [b"n\n", b"\x04"], ids=["n", "Ctrl-D"])
def test_real_money_is_asked_for_on_a_terminal_and_no_is_no(place: Place, answer: bytes) -> None:
    place.live()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [DAILIES, "run", "prompts.csv", "--new-ledger"], stdin=theirs, stdout=theirs, stderr=theirs
    ) as asking:
        os.close(theirs)
        said = b""
        while b"Spend up to 8.40 MXN?" not in said:
            said += os.read(ours, 4096)
        os.write(ours, answer)
        assert asking.wait(timeout=60) == 2
    with contextlib.suppress(OSError):  # a terminal without a process at its other end
        said += os.read(ours, 4096)
    os.close(ours)
    assert b"Nothing was spent." in said


def test_a_new_ledger_for_real_money_is_asked_for_on_a_terminal(place: Place) -> None:
    place.live()
    ours, theirs = pty.openpty()
    with subprocess.Popen([DAILIES, "run", "prompts.csv"], stdin=theirs, stdout=theirs, stderr=theirs) as asking:
        os.close(theirs)
        said = b""
        while b"[y/n]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"n\n")
        assert asking.wait(timeout=60) == 2
    os.close(ours)
    assert b"Start a new ledger in" in said
    assert b"Spend up to" not in said


def test_ctrl_c_at_the_question_says_that_nothing_is_lost(place: Place) -> None:
    place.live()
    ours, theirs = pty.openpty()
    command = [DAILIES, "run", "prompts.csv", "--new-ledger"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE) as asking:
        os.close(theirs)
        said = b""
        while b"Spend up to 8.40 MXN?" not in said:
            said += os.read(ours, 4096)
        asking.send_signal(signal.SIGINT)
        try:
            _, complaint = asking.communicate(timeout=60)
        finally:
            asking.kill()
    os.close(ours)
    assert asking.returncode == 130
    assert complaint.decode().strip() == "Stopped. Nothing is lost: the same command continues."
