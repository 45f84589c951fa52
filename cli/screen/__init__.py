"""What a person is shown while the command works, and after: words, tables, bars."""
