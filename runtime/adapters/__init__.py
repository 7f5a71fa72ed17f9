"""Adapters: one file for each channel, each a function from a letter to what the receiver said."""
