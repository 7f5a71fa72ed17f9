"""Connectors: other systems that hand things to us, and those we hand things to."""
