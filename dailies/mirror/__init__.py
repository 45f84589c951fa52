"""Copies finished videos to a folder or bucket of the user's own and checks each of them."""
