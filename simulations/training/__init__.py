"""Training: the embedded pair, and adapters by preferences: recipe, strings, optimisation, and what it measured."""
