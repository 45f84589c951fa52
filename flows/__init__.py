"""What Prefect runs, and the command that starts it."""
