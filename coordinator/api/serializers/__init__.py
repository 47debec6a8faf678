"""What goes in and out, one module per noun. Shapes describe answers, Strict ones check input."""
