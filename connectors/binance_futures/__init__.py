"""Binance USD-M futures: public market data."""
