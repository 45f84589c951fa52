"""Organisations, their keys and their money."""
