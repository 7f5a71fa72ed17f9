"""Reports: what people send, their photos, and contact data apart."""
