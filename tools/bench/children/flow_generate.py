"""``python -m tools.bench.children.flow_generate prompts.csv``: the flow without the command line."""

import asyncio
import sys

from flows.generate import generate

if __name__ == "__main__":
    asyncio.run(generate(sys.argv[1], max_cost_mxn=None))
