"""Training an adapter by preferences: the recipe, the strings, the optimisation, and what it measured."""
