"""A request as X12 278 (005010X217). Pure: from RequestData to bytes; our own reader reads it back."""

from __future__ import annotations

import re
import unicodedata
import zlib

from coordinator.exchange.requests import AskedLine, RequestData

SEPARATORS = re.compile(r"[*~:^\x00-\x1f\x7f]+")
GENDERS = {"female": "F", "male": "M"}
QUANTITY = {"visit": "VS", "day": "DY", "hour": "HS", "month": "MN", "week": "WK"}
NDC = re.compile(r"^\d{11}$")


def write_278(data: RequestData) -> bytes:
    """One interchange with one request; every line is a service with a trace of its own."""
    control = f"{zlib.crc32(f'{data.trace} {data.created:%Y%m%d%H%M%S}'.encode()) % 1_000_000_000:09d}"
    day, minute = f"{data.created:%Y%m%d}", f"{data.created:%H%M}"
    body = _body(data, day, minute)
    us, them = _id(data.clinic_name), _id(data.payer_name)
    blank = " " * 10
    rows = [
        f"ISA*00*{blank}*00*{blank}*ZZ*{us}*ZZ*{them}*{day[2:]}*{minute}*^*00501*{control}*0*P*:",
        f"GS*HI*{us.strip()}*{them.strip()}*{day}*{minute}*{int(control)}*X*005010X217",
        "ST*278*0001*005010X217",
        *body,
        f"SE*{len(body) + 2}*0001",
        f"GE*1*{int(control)}",
        f"IEA*1*{control}",
    ]
    return ("~\n".join(rows) + "~\n").encode()


def _body(data: RequestData, day: str, minute: str) -> list[str]:
    purpose = "01" if data.certification == "3" else "13"
    level = "U" if data.urgent else ""
    rows = [
        f"BHT*0007*{purpose}*{_text(data.trace, 50)}*{day}*{minute}",
        "HL*1**20*1",
        f"NM1*X3*2*{_text(data.payer_name, 60)}",
        "HL*2*1*21*1",
        f"NM1*1P*1*{_text(data.requester_name, 60)}*****XX*{_text(data.requester_npi, 20)}",
        "HL*3*2*22*1",
        f"NM1*IL*1*{_text(data.family_name, 60)}*{_text(data.given_name, 35)}****MI*{_text(data.member_id, 60)}",
        *_demographics(data),
        "HL*4*3*EV*1",
        f"TRN*1*{_text(data.trace, 50)}*9{_text(data.requester_npi, 9)}",
        _row("UM", data.review_type, data.certification, "", "", "", level, "", "", "Y"),
        *_diagnoses(data),
    ]
    for place, line in enumerate(data.lines, start=5):
        rows += _service(data, line, place)
    return rows


def _demographics(data: RequestData) -> list[str]:
    if data.birth_date is None:
        return []
    return [f"DMG*D8*{data.birth_date:%Y%m%d}*{GENDERS.get(data.sex, 'U')}"]


def _diagnoses(data: RequestData) -> list[str]:
    codes = [f"{'ABK' if n == 0 else 'ABF'}:{code.replace('.', '')}" for n, code in enumerate(data.diagnoses)]
    return [_row("HI", *codes)] if codes else []


def _service(data: RequestData, line: AskedLine, place: int) -> list[str]:
    """The loop of one line: its trace, the code with its units, and visits or days as a delivery (HSD)."""
    code = f"{'N4' if NDC.match(line.code) else 'HC'}:{_text(line.code, 48)}"
    counted = QUANTITY.get(line.unit_kind)
    amount = ("", "") if counted else ("UN", str(line.units))
    sv = ("SV2", "", code, "", *amount) if data.review_type == "AR" else ("SV1", code, "", *amount)
    rows = [
        f"HL*{place}*4*SS*0",
        f"TRN*1*{_text(data.trace, 46)}-{line.number}*9{_text(data.requester_npi, 9)}",
        _row(*sv),
    ]
    return [*rows, f"HSD*{counted}*{line.units}"] if counted else rows


def _row(*elements: str) -> str:
    return "*".join(elements).rstrip("*")


def _text(value: str, most: int) -> str:
    """Plain letters without separators; other scripts stay as they are."""
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().strip() or value
    return " ".join(SEPARATORS.sub(" ", plain).split())[:most]


def _id(name: str) -> str:
    """15 characters for ISA06 and ISA08; the clearinghouse puts its own in place of it."""
    return re.sub(r"[^A-Z0-9]", "", _text(name, 60).upper())[:15].ljust(15) if name else " " * 15
