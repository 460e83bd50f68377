"""paper_check.md, docs/theory.md and the records that they show."""
