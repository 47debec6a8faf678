"""Every write of an import. A file is all or nothing; importing it again changes nothing."""

from coordinator.imports.services.caseload import (
    can_undo,
    choose_rows,
    name_columns,
    start_import,
    stop_import,
    undo_import,
    upload_table,
)
from coordinator.imports.services.caseload_work import run_caseload
from coordinator.imports.services.runs import claim_run, request_import, run_import, run_waiting, stop_run

__all__ = [
    "can_undo",
    "choose_rows",
    "claim_run",
    "name_columns",
    "request_import",
    "run_caseload",
    "run_import",
    "run_waiting",
    "start_import",
    "stop_import",
    "stop_run",
    "undo_import",
    "upload_table",
]
