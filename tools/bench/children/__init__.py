"""The programs that the benchmarks measure, each one as a process of its own."""
