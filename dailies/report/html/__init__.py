"""The HTML report: one file that shows the videos of a run, their cost and what is missing."""
