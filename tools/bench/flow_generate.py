"""``python -m tools.bench.flow_generate prompts.csv``: the flow as a person runs it, without the command line."""

import asyncio
import sys

from flows.generate import generate

if __name__ == "__main__":
    asyncio.run(generate(sys.argv[1], max_cost_mxn=None))
