"""Running flows from the command line, on this computer: its service, its Prefect server, its Ctrl-C."""
