"""The doorways of the API, one module per noun."""
