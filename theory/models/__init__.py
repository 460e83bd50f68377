"""Aligned models as one object each: the law, its balls, their precision, and what is computed from them."""
