"""The steps of a run: thin Prefect tasks around one library call each."""
