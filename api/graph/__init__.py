"""One file a context: types, inputs, then the Query and Mutation mixins, in that order."""
