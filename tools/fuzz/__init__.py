"""Sends seeded hostile input to everything that reads what others wrote."""
