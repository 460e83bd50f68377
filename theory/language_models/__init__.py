"""Language models small enough to be known exactly."""
