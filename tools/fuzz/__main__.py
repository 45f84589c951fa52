"""``python -m tools.fuzz [--seed N] [NAME ...]``: send hostile input and print what went wrong.

A target is a module with ``cases(chance)``: it yields one item for each case, None if the case went well and one line
of text if it did not. Everything random comes from ``chance``, so that a seed repeats a run.
"""

import argparse
import logging
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator

from tools.fuzz import echoing_gateway, hostile_urls, mutated_videos, raw_sockets, storage_routes

Cases = Callable[[random.Random], Iterator[str | None]]
TARGETS: dict[str, Cases] = {
    "storage-routes": storage_routes.cases,
    "raw-sockets": raw_sockets.cases,
    "echoing-gateway": echoing_gateway.cases,
    "mutated-videos": mutated_videos.cases,
    "hostile-urls": hostile_urls.cases,
}


def main() -> int:
    """Run the targets; 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz")
    parser.add_argument("--seed", type=int, default=1, help="repeats a run (%(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"by default all: {', '.join(TARGETS)}")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(TARGETS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    logging.disable(logging.WARNING)  # uvicorn has a line for every broken request
    found = sum(run(name, asked.seed) for name in asked.names or TARGETS)
    sys.stdout.write(f"{found} findings, seed {asked.seed}\n")
    return int(found > 0)


def run(name: str, seed: int) -> int:
    """Run one target and print its findings; how many there are."""
    count, findings, began = 0, [], time.monotonic()
    try:
        for finding in TARGETS[name](random.Random(f"{seed}/{name}")):
            count += 1
            if finding is not None:
                findings.append(finding)
    except Exception:  # noqa: BLE001 - what a target does not catch is a finding
        findings.append(f"not caught in case {count + 1}:\n{traceback.format_exc()}")
    sys.stdout.write(f"{name}: {count} cases, {len(findings)} findings, {time.monotonic() - began:.0f} s\n")
    sys.stdout.writelines(f"  {finding}\n" for finding in findings)
    sys.stdout.flush()
    return len(findings)


if __name__ == "__main__":
    sys.exit(main())
