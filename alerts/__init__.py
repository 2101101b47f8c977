"""From rows to messages: alert states, routing, the store, receivers, the engine."""
