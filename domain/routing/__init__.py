"""Routing: the matter catalogue, duties, and the explained choice of a department."""
