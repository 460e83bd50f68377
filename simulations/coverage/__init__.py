"""How often the intervals that ``probqual analyse`` prints hold the truth, on pairs whose laws are enumerated."""
