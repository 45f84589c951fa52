"""What the command shows: text, tables, progress bars."""
