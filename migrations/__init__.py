"""Dated schema changes; they never import product code, so that an old one means forever what it meant."""
