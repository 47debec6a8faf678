"""Where imported rows came from, in a merge of two records: what comes again goes to the record that stands."""

from coordinator.imports.models import CaseloadRow, CodedEvent, SourceRecord
from patients.merging import Part

PARTS = [Part(SourceRecord, "object_id"), Part(CaseloadRow), Part(CodedEvent)]
