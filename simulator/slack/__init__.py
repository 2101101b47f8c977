"""A Slack workspace on loopback: its Web API, as strict as the real one, and a page that shows its channels."""
