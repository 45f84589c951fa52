"""The kinds of targets: one file for each."""
