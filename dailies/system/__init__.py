"""The edge to the operating system: durable files and locks, failpoints, memory, Arrow."""
