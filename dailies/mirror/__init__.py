"""Owning the videos: finished ones are copied into the user's own folder or bucket, and checked on the way."""
