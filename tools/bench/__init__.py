"""The benchmark: ``make bench`` measures everything again and writes ``docs/performance.md``."""
