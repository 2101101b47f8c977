"""Runs the connectors: bounded queue, events to rows, feed health."""
