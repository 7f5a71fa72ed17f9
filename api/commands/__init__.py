"""Commands of `./gridwarden`, one module a subject; `api.cli` imports only the one that was asked for."""
