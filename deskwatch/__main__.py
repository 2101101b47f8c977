"""`python -m deskwatch`: the same as the `deskwatch` command."""

from deskwatch.cli import main

main()
