"""Processes and sockets: settings, stores, worker, relay and the supervisor.

Knows how the product runs, never what a report means; business rules live in `domain`.
"""
