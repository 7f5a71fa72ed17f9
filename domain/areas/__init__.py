"""Areas: identities with effective-dated versions, layers, and who owns a point."""
