"""Doorways to the record: registration, details, entries, notes, standing."""
