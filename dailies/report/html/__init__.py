"""The report: one HTML file that shows a run's videos, what they cost and what is missing."""
