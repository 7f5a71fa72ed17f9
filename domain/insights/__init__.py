"""Figures: what is counted, how it is defined, and how it is kept ready."""
