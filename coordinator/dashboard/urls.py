from django.urls import path

from coordinator.dashboard import (
    access_views,
    audit_view,
    record_search,
