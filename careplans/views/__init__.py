"""The pages of tasks and plans."""
