"""Orders, fills, positions: the pure ledger and the service that feeds it."""
