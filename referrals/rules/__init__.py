"""Pure functions: next steps, clocks, thresholds, what a letter or a paper says. One module per noun."""
