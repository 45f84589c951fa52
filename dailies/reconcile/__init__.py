"""Holds the ledger against the account: settle, abandon, verify."""
