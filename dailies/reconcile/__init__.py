"""Compare the ledger with the account and with itself: settle, abandon, verify."""
