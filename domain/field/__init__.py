"""Field work: visits, notes and photos of those who go there, queued on their phones and merged when signal returns."""
