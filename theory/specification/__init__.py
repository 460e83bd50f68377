"""Models read from TOML without guessing."""
