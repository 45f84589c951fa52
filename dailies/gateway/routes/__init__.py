"""The HTTP routes, and the bodies that go over the wire."""
