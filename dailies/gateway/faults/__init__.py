"""Everything that can go wrong on purpose: the script, when it strikes, what it does."""
