"""Throughline: the whole working day of an outpatient care coordinator."""

from coordinator.celery import app as celery_app

__all__ = ["celery_app"]
