"""The verbs of the `dailies` command, one file a subject. What a verb needs is imported when it runs."""
