"""Two files of a payer on the desk: an answer that waits to be recorded, and one that nobody can read."""

from __future__ import annotations

from coordinator.demo.clinic import Clinic
from coordinator.exchange.services import take_file
from referrals.models import PriorAuthorization
from referrals.workflow import AuthorizationStatus

QUESTION = b"Dear colleagues,\n\nplease call us about the request of last week.\n"


def make_payer_files(clinic: Clinic) -> None:
    """For a request of the coordinator's own site that is with its payer."""
    dana = clinic.users["dana"]
    waiting = PriorAuthorization.objects.filter(status=AuthorizationStatus.SUBMITTED, site=clinic.riverbend)
    record = waiting.order_by("created_at", "pk").first()
    if record is not None:
        content = _approval(record, clinic)
        take_file(name="answer-1123.278", content=content, site=record.site, by=dana, now=clinic.ago(0, 2))
    take_file(name="message-0417.txt", content=QUESTION, site=clinic.riverbend, by=dana, now=clinic.ago(0, 1))


def _approval(record: PriorAuthorization, clinic: Clinic) -> bytes:
    day = f"{clinic.today:%Y%m%d}"
    rows = [
        "ST*278*0001*005010X217",
        f"BHT*0007*11*{record.pk.hex}*{day}*0915*18",
        "HL*1**20*1",
        "NM1*X3*2*PAYER",
        "HL*2*1*21*1",
        "NM1*1P*2*CLINIC",
        "HL*3*2*22*1",
        "NM1*IL*1*MEMBER",
        "HL*4*3*EV*0",
        f"TRN*2*{record.pk.hex}*9000000000",
        "UM*HS*I",
        "HCR*A1*PA-20417",
        f"DTP*007*RD8*{day}-{clinic.today.year + 1}0131",
    ]
    head = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*CLINIC         "
    envelope = [
        f"{head}*{day[2:]}*0915*^*00501*000000417*0*P*:",
        f"GS*HI*PAYER*CLINIC*{day}*0915*417*X*005010X217",
    ]
    rows = [*envelope, *rows, f"SE*{len(rows) + 1}*0001", "GE*1*417", "IEA*1*000000417"]
    return ("~\n".join(rows) + "~\n").encode()
