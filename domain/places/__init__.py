"""Places: a gazetteer that turns words into ranked positions."""
