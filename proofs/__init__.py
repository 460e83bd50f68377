"""The machine-checked proofs, as data: Coq sources, and checked.json, the record of their last check."""
