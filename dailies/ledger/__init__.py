"""The durable record: the journal of each batch, and the ledger that journals are folded into."""
