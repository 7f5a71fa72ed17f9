"""Flows: stories that cross contexts, one file each."""
