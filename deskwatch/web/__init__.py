"""The status page and its JSON twin: what is fed, what fires, what was said."""
