"""Simulated venues and a Slack workspace that speak the native protocols. Shares no code with the connectors."""
