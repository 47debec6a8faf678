"""Doorways of the schedule's pages."""
