"""The gateway as a process: its port, its lock, its web server."""
