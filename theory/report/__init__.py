"""paper_check.md, the pages under docs/ that are written with it, and the records that they show."""
