"""The client of GeekHub's video API: the only code that speaks to it."""
