"""Venues: one folder each, over the shared session, REST, feed and book code in base/."""
