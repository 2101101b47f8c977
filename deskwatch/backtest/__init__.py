"""`deskwatch rules backtest`: the live engine over stored history, quickly, and what it would have told."""
