"""Deliveries: who is woken, by which channel, and what became of it; the sending itself is the runtime's."""
