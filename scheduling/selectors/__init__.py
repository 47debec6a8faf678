"""Reads for the schedule's pages. Each takes the user and answers only what that person may see."""
