"""From a checked request to an engine's events: models in memory, slots, queues, device tools."""
