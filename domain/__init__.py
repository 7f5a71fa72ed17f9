"""The business: whose place it is, what must happen and by when. Knows no HTTP, GraphQL or Redis."""
