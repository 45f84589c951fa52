"""Check that git follows every file that one commit only moved back to the file's first commit.

``python -m tools.check_history [COMMIT]``: by default the commit that moved every file into its room.
"""

import subprocess
import sys

MOVE = "Move every file into its room"


def git(*arguments: str) -> list[str]:
    """Return the lines that git prints."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.splitlines()


def first_commit(path: str, *revision: str) -> str:
    """Return the oldest commit that git reaches when it follows a path through its renames."""
    return git("log", "--follow", "--format=%H", *revision, "--", path)[-1]


def main() -> int:
    """Print how many moves git follows; 1 if it loses one."""
    commit = sys.argv[1] if sys.argv[1:] else git("log", "--format=%H", f"--grep=^{MOVE}")[0]
    renames = [line.split("\t")[1:] for line in git("show", "--format=", "--name-status", "-M100%", commit)]
    here = set(git("ls-files"))
    kept = [(old, new) for old, new in renames if new in here]
    lost = [(old, new) for old, new in kept if first_commit(new) != first_commit(old, f"{commit}^")]
    for old, new in lost:
        print(f"lost: {old} -> {new}")  # noqa: T201
    gone = len(renames) - len(kept)
    print(f"{len(renames)} files moved, {len(kept) - len(lost)} followed, {len(lost)} lost, {gone} moved on or merged")  # noqa: T201
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
