"""The `dailies` command: verbs, screen, the local Prefect server, Ctrl-C."""
