"""An invented clinic that makes every page alive relative to today. Nobody in it is real; never in production."""

from __future__ import annotations

from typing import NamedTuple

PASSWORD = "riverbend-demo-clinic"  # noqa: S105  (the demo's own, shown on its sign-in page)


class SignIn(NamedTuple):
    """One invented account, as the demo's sign-in page and `bin/run` show it."""

    role: str
    email: str
    password: str
    name: str


DEMO_SIGN_INS = [
    SignIn("Care coordinator", "dana@example.test", PASSWORD, "Dana Whitfield"),
    SignIn("Lead coordinator", "joanne@example.test", PASSWORD, "Joanne Pike"),
    SignIn("Manager", "beth@example.test", PASSWORD, "Beth Sorensen"),
    SignIn("Provider", "ngozi@example.test", PASSWORD, "Ngozi Okafor"),
    SignIn("Administrator", "rashida@example.test", PASSWORD, "Rashida Cole"),
    SignIn("Auditor", "owen@example.test", PASSWORD, "Owen Fitzgerald"),
]
