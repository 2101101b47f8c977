"""Binance spot: public market data and the private account stream."""
