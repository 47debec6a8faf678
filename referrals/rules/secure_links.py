"""The secret of a link and the code beside it, made from the application's key and the delivery's. Pure.

Neither is kept anywhere: who reads the database finds only the secret's SHA-256, and cannot make the code without the
key. After SECRET_KEY was replaced, links made under an earlier one work as long as that stands in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac

DIGITS = 6
SECRET_SALT, CODE_SALT = "referrals.secure_link.secret", "referrals.secure_link.code"


def secret_of(delivery_id: UUID, key: str) -> str:
    """43 characters of an address: 256 bits."""
    made = salted_hmac(SECRET_SALT, str(delivery_id), secret=key, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def code_of(delivery_id: UUID, key: str) -> str:
    """Six digits, to be told by phone."""
    made = salted_hmac(CODE_SALT, str(delivery_id), secret=key, algorithm="sha256").digest()
    return f"{int.from_bytes(made[:8]) % 10**DIGITS:0{DIGITS}d}"


def code_for(delivery_id: UUID, token_hash: str, keys: Sequence[str]) -> str:
    """The code of a link, under the key it was made with; "" when that key is gone."""
    for key in keys:
        if constant_time_compare(hash_of(secret_of(delivery_id, key)), token_hash):
            return code_of(delivery_id, key)
    return ""


def is_code(typed: str, code: str) -> bool:
    """Blanks and hyphens between the digits do not matter."""
    digits = "".join(c for c in typed if c not in " -\u2011\u00a0")
    return bool(code) and constant_time_compare(digits.encode("utf-8", "replace"), code.encode())
