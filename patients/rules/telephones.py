"""Telephone numbers and e-mail addresses as they are compared: E.164, and lower case."""

from __future__ import annotations

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

REGION = "US"


class NotANumber(ValueError):
    """Not a number or address that could be reached. The sentence can be shown."""


def normal_phone(typed: str, region: str = REGION) -> str:
    """E.164 ("+16125550143") of a number typed in any way; numbers without a country are of `region`.

    Length and country code are checked, not the block: new area codes must not be refused. An
    extension stays in what was typed; it is no part of E.164. Raises NotANumber.
    """
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        raise NotANumber(_("Enter a phone number with 10 digits, like (612) 555-0143.")) from None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise NotANumber(_("This phone number has too few or too many digits."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def last_four(e164: str) -> str:
    return e164[-4:]


def normal_email(typed: str) -> str:
    """Lower case. Raises NotANumber when it is no address."""
    try:
        validate_email(typed)
    except ValidationError:
        raise NotANumber(_("Enter an e-mail address like name@example.com.")) from None
    return typed.lower()
