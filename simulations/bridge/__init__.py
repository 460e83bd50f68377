"""From language models that compute logits to samples that keep every number the claims ask for."""
