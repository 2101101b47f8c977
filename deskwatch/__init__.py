"""The program: command line, settings, wiring, status page, notebook API."""
