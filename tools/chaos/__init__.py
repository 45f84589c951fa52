"""Kills runs at random moments and checks every promise."""
