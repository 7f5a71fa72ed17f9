"""The doors besides GraphQL: tiles, uploads, photos, device intake, health, the web pages. One module a door."""
