"""Laws on finite and countable sets: information, concentration, heavy tails, exponential families."""
