"""When to poll a job, how many jobs to have in flight, how fast to send."""
