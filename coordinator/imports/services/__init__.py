"""Every write of an import. A file is all or nothing; importing it again changes nothing."""

from coordinator.imports.services.runs import claim_run, request_import, run_import, run_waiting, stop_run

__all__ = ["claim_run", "request_import", "run_import", "run_waiting", "stop_run"]
