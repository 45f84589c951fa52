"""One run at work: each row from its plan to its video."""
