"""The floor: a bare Django project on the same database, hand-written SQL, no middleware. Never part of the product.

    DATABASE_URL=... gunicorn --workers 2 bench.floor:application

What it answers is what the machine allows in Python; the product's figures are read against it in the same run.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

import django
import environ
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from bench.floor_sql import BOOK, DAY, HISTORY, LIST, NUMBER, ONE, PHONE, SEARCH, SLOTS

if not settings.configured:
    _database = environ.Env().db_url_config(os.environ["DATABASE_URL"])
    _database.update(CONN_MAX_AGE=600)
    settings.configure(
        DATABASES={"default": _database},
        ROOT_URLCONF="bench.floor",
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        SECRET_KEY="the floor signs nothing",
        USE_TZ=True,
        MIDDLEWARE=[],
    )

django.setup()

FACTS = json.loads(Path(os.environ["BENCH_FACTS"]).read_text()) if "BENCH_FACTS" in os.environ else {}


def rows(sql: str, params: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def answer(found: Any) -> JsonResponse:
    return JsonResponse({"results": found})


def sites(request: HttpRequest) -> list[str]:
    return FACTS["sites"]


def patient_list(request: HttpRequest) -> JsonResponse:
    return answer(rows(LIST, [sites(request)]))


@csrf_exempt
def search(request: HttpRequest) -> JsonResponse:
    text = json.loads(request.body)["q"].lower()
    return answer(rows(SEARCH, [f"%{text}%", sites(request)]))


@csrf_exempt
def phone(request: HttpRequest) -> JsonResponse:
    return answer(rows(PHONE, [sites(request), json.loads(request.body)["q"]]))


def number(request: HttpRequest) -> JsonResponse:
    return answer(rows(NUMBER, [request.GET["mrn"], sites(request)]))


def patient(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    return answer(rows(ONE, [str(pk), sites(request)]))


def slots(request: HttpRequest) -> JsonResponse:
    asked = request.GET
    zone = "America/Chicago"
    return answer(
        rows(
            SLOTS,
            [asked["start"], asked["end"], asked["practitioner"], zone, zone, zone, asked["practitioner"]],
        )
    )


def day(request: HttpRequest) -> JsonResponse:
    return answer(rows(DAY, [request.GET["site"], request.GET["start"], request.GET["end"]]))


@csrf_exempt
def book(request: HttpRequest) -> JsonResponse:
    """One insert that the exclusion constraints judge, one row of history, one durable commit."""
    asked, key = json.loads(request.body), str(uuid.uuid4())
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                BOOK,
                [
                    key,
                    asked["start"],
                    asked["start"],
                    asked["patient"],
                    asked["practitioner"],
                    asked["site"],
                    asked["service"],
                ],
            )
            cursor.execute(HISTORY, [str(uuid.uuid4()), key])
    except IntegrityError:
        return JsonResponse({"detail": "taken"}, status=409)
    return JsonResponse({"id": key}, status=201)


def board(request: HttpRequest) -> JsonResponse:
    """The manager board's figures computed live: the statement that the rollup saves."""
    return answer(rows(FACTS["board_sql"], FACTS["board_params"]))


urlpatterns = [
    path("patients/", patient_list),
    path("patients/search/", search),
    path("patients/phone/", phone),
    path("patients/number/", number),
    path("patients/<uuid:pk>/", patient),
    path("slots/", slots),
    path("appointments/", day),
    path("appointments/book/", book),
    path("board/", board),
]

application = WSGIHandler()
