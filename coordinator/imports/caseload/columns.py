"""Which column is which: fields an import knows, and the words by which English and Spanish headers name them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from patients.rules.text import fold


@dataclass(frozen=True)
class Field:
    """`name` is the key of a mapping; `words` are headers that mean it, folded (lower case, without accents)."""

    name: str
    label: Any
    words: tuple[str, ...]


FIELDS = (
    Field("family_name", _("Family name"), ("family name", "last name", "surname", "lastname", "last", "apellido", "apellidos", "primer apellido")),
    Field("given_name", _("Given name"), ("given name", "first name", "firstname", "first", "given", "nombre", "nombres", "primer nombre", "nombre de pila")),
    Field("middle_name", _("Middle name"), ("middle name", "middle", "segundo nombre")),
    Field("preferred_name", _("Goes by"), ("preferred name", "goes by", "nickname", "nombre preferido", "como le llaman")),
    Field("birth_date", _("Date of birth"), ("date of birth", "birth date", "birthdate", "dob", "born", "birthday", "fecha de nacimiento", "fecha nacimiento", "fecha nac", "nacimiento", "f nac")),
    Field("sex", _("Sex"), ("sex", "gender", "sexo", "genero")),
    Field("mrn", _("MRN"), ("mrn", "medical record number", "record number", "chart number", "chart", "patient id", "numero de expediente", "expediente", "historia clinica", "numero de historia")),
    Field("mobile_phone", _("Mobile phone"), ("mobile", "mobile phone", "cell", "cell phone", "cellphone", "phone", "phone number", "telephone", "celular", "movil", "telefono", "telefono movil", "telefono celular")),
    Field("home_phone", _("Home phone"), ("home phone", "home", "telefono de casa", "telefono fijo", "casa")),
    Field("work_phone", _("Work phone"), ("work phone", "work", "telefono del trabajo", "trabajo")),
    Field("ok_to_message", _("Text messages are OK"), ("ok to text", "text ok", "sms ok", "texting ok", "consent to text", "mensajes de texto", "acepta mensajes", "sms")),
    Field("ok_to_leave_voicemail", _("Voicemail is OK"), ("ok to leave voicemail", "voicemail ok", "ok to voicemail", "voicemail", "buzon de voz", "acepta buzon")),
    Field("email", _("E-mail"), ("email", "e mail", "email address", "e mail address", "mail", "correo", "correo electronico")),
    Field("email_ok", _("E-mail messages are OK"), ("ok to email", "email ok", "ok to e mail", "acepta correo")),
    Field("address_line", _("Address"), ("address", "street", "street address", "address line", "address 1", "address line 1", "direccion", "calle", "domicilio")),
    Field("city", _("City"), ("city", "town", "ciudad", "municipio")),
    Field("state", _("State"), ("state", "province", "estado", "provincia")),
    Field("postal_code", _("ZIP or postal code"), ("zip", "zip code", "zipcode", "postal code", "postcode", "codigo postal", "cp")),
    Field("language", _("Language"), ("language", "preferred language", "spoken language", "idioma", "lengua", "idioma preferido")),
    Field("interpreter_needed", _("Needs an interpreter"), ("interpreter", "interpreter needed", "needs an interpreter", "needs interpreter", "interprete", "necesita interprete")),
    Field("site", _("Place"), ("site", "place", "clinic", "location", "sede", "clinica", "centro")),
    Field("coordinator", _("Coordinator’s e-mail"), ("coordinator", "care coordinator", "coordinator email", "coordinator s email", "case manager", "coordinador", "coordinadora", "correo del coordinador")),
    Field("payer_name", _("Payer"), ("payer", "insurance", "insurer", "insurance company", "payer name", "aseguradora", "seguro", "seguro medico")),
    Field("plan_name", _("Plan"), ("plan", "plan name", "nombre del plan")),
    Field("member_id", _("Member number"), ("member number", "member id", "memberid", "insurance id", "policy number", "subscriber id", "numero de afiliado", "numero de socio", "afiliado", "poliza")),
    Field("next_contact", _("Next contact date"), ("next contact", "next contact date", "next call", "follow up date", "follow up", "next outreach", "proximo contacto", "fecha de proximo contacto", "proxima llamada", "seguimiento")),
)  # fmt: skip
NAMES = tuple(field.name for field in FIELDS)
LABELS = {field.name: field.label for field in FIELDS}
DATES = ("birth_date", "next_contact")


def propose(header: Sequence[str]) -> dict[str, int]:
    """Field -> number of its column (from 0), for headers that name a field; each column and each field once.

    A whole header counts before one that only holds the words.
    """
    folded = [fold(name) for name in header]
    found: dict[str, int] = {}
    for whole in (True, False):
        for field in FIELDS:
            for number, name in enumerate(folded):
                if field.name in found or number in found.values():
                    continue
                if name in field.words if whole else _holds(name, field):
                    found[field.name] = number
    return found


def _holds(name: str, field: Field) -> bool:
    """ "Patient last name" holds "last name"; single words are too short to be sure of."""
    return any(" " in word and f" {word} " in f" {name} " for word in field.words)


def header_key(header: Sequence[str]) -> str:
    """What the same set of columns is remembered by: a digest, because a header may hold anything."""
    return hashlib.sha256("\x1f".join(fold(name) for name in header).encode()).hexdigest()


def fitting(columns: Mapping[str, Any], width: int) -> dict[str, int]:
    """A remembered mapping, without what this file or this version does not have."""
    return {
        name: number
        for name, number in columns.items()
        if name in LABELS and isinstance(number, int) and 0 <= number < width
    }
