"""The durable record: a journal for each batch, and the ledger that journals are folded into."""
