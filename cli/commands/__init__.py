"""The verbs of the `dailies` command, one file for each; a verb imports what it needs when it runs."""
