"""The product's own settings, full stack, with one middleware more: it says how many queries a request took."""

from coordinator.settings import *  # noqa: F403
from coordinator.settings import MIDDLEWARE

MIDDLEWARE = ["bench.counting.CountQueries", *MIDDLEWARE]
