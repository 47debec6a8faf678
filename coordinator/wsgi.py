"""The web server's way in."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
application = get_wsgi_application()
# Views and forms are loaded before the server forks: workers share them and the first page does not wait.
_ = get_resolver().url_patterns
# What is loaded now stays: the collector need not look through it again in the middle of somebody's page, and looks
# less often at what pages leave behind.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
