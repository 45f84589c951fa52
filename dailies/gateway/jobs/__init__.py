"""Video jobs: submitted, moved by polls, completed and charged once."""
