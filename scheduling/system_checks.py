"""Checked when the site starts: no wording of a message may tell more than it must."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, register

from scheduling.rules.reminder_texts import FALLBACK, NEEDED, every_template, problems


@register()
def wording_of_messages(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Every template names the practice and a way out, holds nothing clinical and fits its length."""
    found = list(every_template())
    errors = [
        Error(f"templates/messages/{name}.{channel}.{language}.txt: {problem}", id="throughline.E010")
        for name, channel, language, text in found
        for problem in problems(name, channel, text)
    ]
    there = {(name, channel) for name, channel, language, _text in found if language == FALLBACK}
    errors += [
        Error(f"There is no wording for {name} in the fallback language.", id="throughline.E011")
        for name in NEEDED
        if (name, "sms") not in there
    ]
    return errors
