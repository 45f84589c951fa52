"""Dailies: CSVs of prompts become finished AI videos, with an exact account of what each one cost."""
