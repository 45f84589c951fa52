"""What `deploy` and `serve` create on a Prefect server."""
