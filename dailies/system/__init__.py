"""The edge to the operating system: durable files, locks, failpoints, memory, Arrow."""
