"""Patients and caseload from a table: reading files, proposing columns, reading values. No database."""
