"""OKX v5: public market data."""
