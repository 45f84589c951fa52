"""What people and programs read after a run: results, summary, totals, status, JSON, the HTML report."""
