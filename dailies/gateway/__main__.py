"""``python -m dailies.gateway``: a sandbox in the foreground."""

import argparse
import os
import sys
from decimal import Decimal
from pathlib import Path

from dailies.gateway.errors import SandboxError
from dailies.gateway.options import SandboxOptions


def parse_options(arguments: list[str]) -> tuple[SandboxOptions, bool]:
    """Read the command line: the options, and whether to keep quiet about the key."""
    parser = argparse.ArgumentParser("python -m dailies.gateway", description="A GeekHub-compatible sandbox.")
    parser.add_argument("--data-dir", type=Path, default=Path("data/sandbox"), help="its folder (%(default)s)")
    parser.add_argument("--port", type=int, help="default: the folder's own")
    parser.add_argument("--speed", type=float, default=60.0, help="times faster than real (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the render times")
    parser.add_argument("--fx", type=Decimal, default=Decimal(20), help="MXN per USD (%(default)s)")
    parser.add_argument("--balance", type=Decimal, default=Decimal("100000.00"), help="MXN (%(default)s)")
    parser.add_argument("--rate", type=float, help="submits a second for each organisation")
    parser.add_argument("--burst", type=int, default=1, help="submits at once under --rate")
    parser.add_argument("--plain-video", action="store_true", help="tiny shared clips, for mass tests")
    parser.add_argument("--faults", type=Path, help="a fault script (TOML)")
    parser.add_argument(
        "--supabase", action="store_true", help="keep the videos in SUPABASE_URL, by SUPABASE_SERVICE_KEY"
    )
    parser.add_argument("--quiet", action="store_true", help="do not print the address and the key")
    chosen = parser.parse_args(arguments)
    try:
        options = SandboxOptions(
            data_dir=chosen.data_dir,
            port=chosen.port,
            speed=chosen.speed,
            seed=chosen.seed,
            fx_mxn_per_usd=chosen.fx,
            balance_mxn=chosen.balance,
            requests_per_second=chosen.rate,
            burst=chosen.burst,
            plain_video=chosen.plain_video,
            faults=chosen.faults,
            supabase_url=os.environ.get("SUPABASE_URL", "") if chosen.supabase else None,
            supabase_key=os.environ.get("SUPABASE_SERVICE_KEY", "") if chosen.supabase else None,
        )
    except ValueError as error:
        parser.error(str(error))
    return options, chosen.quiet


def main() -> int:
    """Serve until stopped; 2 when the sandbox is refused."""
    options, is_quiet = parse_options(sys.argv[1:])
    from dailies.gateway.hosting.foreground import (
        serve,
    )  # After --help and mistakes: the web server takes a while to import.

    try:
        serve(options, (lambda _: None) if is_quiet else None)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
