"""Numbers that are either right or say that they are not, and fast loops over them."""
