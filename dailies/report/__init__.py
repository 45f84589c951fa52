"""What a run leaves for people: the results CSV and the summary."""
