"""Every claim, sampled: draws from models whose exact answer is known, beside that answer."""
