"""What Binance spot and USD-M futures share: wire messages, frames, instruments."""
