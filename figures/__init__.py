"""One module per figure: `compute` returns the numbers, `draw` draws them."""
