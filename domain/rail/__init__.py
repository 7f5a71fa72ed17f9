"""Rail: lines and, later, chainage, statutory zones and fences."""
