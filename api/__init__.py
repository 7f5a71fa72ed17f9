"""The doors of the product: GraphQL, tiles, device intake, uploads and the command line.

Holds no rules: a door checks who asks, opens the transaction, makes one call into `domain` and answers.
"""
