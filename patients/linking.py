"""What a document can be linked to. The apps that own these rows stand above, so they say in `AppConfig.ready()`
which of their models answers for which kind (see docs/adr/0007)."""

from __future__ import annotations

from django.db import models

# DocumentLink.Kind -> a model with `patient` and `visible_to`.
TARGETS: dict[str, type[models.Model]] = {}
