"""What is left to do, what it may cost, and which rows belong to this run."""
