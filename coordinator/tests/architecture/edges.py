"""Who may import what: layers, one network client, one CSV writer, no XML."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

from coordinator.tests.architecture.source import (
    LAYERS,
    Found,
    Rule,
    dotted,
    imports,
    is_migration,
    is_ours,
    is_test,
    layer,
    name_of,
    walk,
)


def imports_go_one_way(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    here = layer(dotted(path))
    for line, module, level in imports(tree):
        if level:
            yield line, "relative import"
        there = layer(module)
        if is_test(path) or is_migration(path) or not here or not there or there == here:
            continue
        if LAYERS.index(there) > LAYERS.index(here):
            yield line, f"{here} imports {module}, which stands above it ({there})"


NETWORK = ("requests", "urllib.request", "urllib3", "http.client", "httpx", "smtplib", "socket", "aiohttp")
XML = ("xml", "lxml", "defusedxml", "xmltodict", "bs4")
CLIENT = "coordinator/messaging/client.py"
MAILER = "coordinator/messaging/gateways/smtp.py"  # speaks SMTP, not HTTP


def one_http_client(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path) or str(path) in (CLIENT, MAILER):
        return
    for line, module, _level in imports(tree):
        if module in NETWORK or module.partition(".")[0] in ("requests", "urllib3", "httpx", "aiohttp"):
            yield line, f"a second network client ({module}); the one is {CLIENT}"


def one_xml_parser(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if is_ours(path):
        for line, module, _level in imports(tree):
            if module.partition(".")[0] in XML:
                yield line, f"an XML parser ({module}): we read JSON and CSV only"


CSV_WRITER = "coordinator/dashboard/export.py"


def one_csv_writer(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path) or str(path) == CSV_WRITER:
        return
    for node in walk(tree, ast.Attribute, ast.ImportFrom):
        if isinstance(node, ast.Attribute) and name_of(node) in ("csv.writer", "csv.DictWriter"):
            yield node.lineno, f"a second CSV writer; the one is {CSV_WRITER}"
        taken = {a.name for a in node.names} if isinstance(node, ast.ImportFrom) else set()
        if taken & {"writer", "DictWriter"} and node.module == "csv":
            yield node.lineno, f"a second CSV writer; the one is {CSV_WRITER}"


RULES = [
    Rule(
        "imports go one way",
        imports_go_one_way,
        planted=(
            ("coordinator/accounts/x.py", "from patients.models import Patient"),
            ("patients/services.py", "import careplans.models"),
            ("careplans/x.py", "def f():\n    from referrals import models"),
            ("referrals/x.py", "from scheduling.models import Appointment"),
            ("scheduling/x.py", "from coordinator.dashboard import models"),
            ("coordinator/db.py", "from coordinator import demo"),
            ("coordinator/http.py", "from coordinator.api.models import ApiClient"),
            ("patients/x.py", "from . import models"),
            ("patients/tests/test_x.py", "from .factories import make_patient"),
        ),
        fine=(
            ("scheduling/x.py", "from patients.models import Patient\nfrom coordinator.db import lock"),
            ("coordinator/dashboard/x.py", "import scheduling.models"),
            ("patients/tests/test_x.py", "from careplans.tests.factories import make_task"),
            ("coordinator/accounts/x.py", "import django.db\nfrom coordinator.hints import hint"),
        ),
    ),
    Rule(
        "one HTTP client",
        one_http_client,
        planted=(
            ("patients/services.py", "import requests"),
            ("coordinator/api/x.py", "from urllib.request import urlopen"),
            ("coordinator/imports/x.py", "import http.client"),
        ),
        fine=((CLIENT, "import requests"), ("coordinator/x.py", "from urllib.parse import urlsplit")),
    ),
    Rule(
        "no XML parser",
        one_xml_parser,
        planted=(
            ("coordinator/fhir/x.py", "from xml.etree import ElementTree"),
            ("coordinator/imports/x.py", "import lxml.etree"),
        ),
    ),
    Rule(
        "one CSV writer",
        one_csv_writer,
        planted=(
            ("coordinator/dashboard/team_board.py", "import csv\ncsv.writer(out)"),
            ("coordinator/imports/x.py", "from csv import DictWriter"),
        ),
        fine=(
            (CSV_WRITER, "import csv\ncsv.writer(out)"),
            ("coordinator/imports/x.py", "import csv\ncsv.DictReader(stream)"),
        ),
    ),
]
