"""Speed as ratios: the toolkit against named alternatives on the same work, and how its cost grows with size."""
