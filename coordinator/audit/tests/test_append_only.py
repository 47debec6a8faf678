"""The trail can be added to and read, and nothing else: neither by a person, nor by the application's role."""

import io
import secrets

import psycopg2
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from coordinator.audit import services as audit
from coordinator.audit.models import AuditEvent
from coordinator.clocks.tests.factories import make_clock
from coordinator.db import db_now
from coordinator.tests.factories import make_site, make_user
from coordinator.tests.workflow_records import MAKE
from coordinator.workflow import System, begin

ROLE = "throughline_app_test"


def refused(statement):
    with connection.cursor() as cursor, pytest.raises(DatabaseError) as error, transaction.atomic():
        cursor.execute(statement)
    return str(error.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "update audit_auditevent set reason = 'x'",
        "update audit_auditevent set reason = reason where false or true",
        "delete from audit_auditevent",
        "truncate audit_auditevent",
        "truncate audit_auditevent cascade",
    ],
)
def test_not_even_the_tables_owner_changes_the_trail(statement):
    audit.record(by=System("test"), action="view", entity="x.y")
    assert "append-only" in refused(statement)
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_the_orm_cannot_either():
    audit.record(by=System("test"), action="view", entity="x.y")
    event = AuditEvent.objects.get()
    event.reason = "changed"
    for change in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


@pytest.mark.django_db
def test_the_time_is_the_databases():
    before = db_now()
    audit.record(by=System("test"), action="view", entity="x.y")
    assert before <= AuditEvent.objects.get().at <= db_now()


@pytest.mark.django_db
def test_an_event_names_nobody():
    user = make_user(name="Dana Whitfield")
    audit.record(by=user, action="view", entity="x.y", details={"what": "summary"})
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.actor) == (user.pk, "user")
    assert "Whitfield" not in str(vars(event))


@pytest.mark.django_db
def test_events_of_one_request_carry_its_number(client):
    client.force_login(make_user("administrator"))
    client.get("/accounts/people/", headers={"X-Request-ID": "abc-1<script>"})
    client.get("/imports/", headers={"X-Request-ID": "abc-2"})
    client.get("/audit/", headers={"X-Request-ID": "abc-3; drop"})
    assert set(AuditEvent.objects.filter(action="refused").values_list("request_id", flat=True)) == {
        "abc-3drop"
    }


# --- the application's own role ----------------------------------------------------------------------------


@pytest.fixture
def app_role(transactional_db):
    """A second PostgreSQL role with the rights of `grant_app_role`, and a connection as that role."""
    password = secrets.token_hex(12)
    with connection.cursor() as cursor:
        cursor.execute(f"drop role if exists {ROLE}")
        cursor.execute(f"create role {ROLE} login password '{password}'")
    call_command("grant_app_role", ROLE, stdout=io.StringIO())
    names = connection.get_connection_params()
    database = psycopg2.connect(
        host=names["host"], port=names["port"], dbname=names["dbname"], user=ROLE, password=password
    )
    database.autocommit = True
    yield database
    database.close()
    with connection.cursor() as cursor:
        cursor.execute(f"drop owned by {ROLE}")
        cursor.execute(f"drop role {ROLE}")


def as_app(database, statement):
    with database.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def history_tables():
    """Every table whose rows are history, with one row in it."""
    site, by = make_site(), make_user()
    audit.record(by=by, action="view", entity="x.y", site_id=site.pk)
    make_clock()
    tables = ["audit_auditevent", "clocks_clockevent"]
    for label, make in MAKE.items():
        if label != "clocks.Clock":
            record = make()
            with transaction.atomic():
                begin(record, by=by, now=record.created_at)
            tables.append(record._meta.get_field("changes").related_model._meta.db_table)
    return tables


def test_the_application_may_add_to_history_and_read_it_but_not_change_it(app_role):
    for table in history_tables():
        assert as_app(app_role, f"select count(*) from {table}")[0][0] >= 1
        for statement in (
            f"update {table} set id = id",
            f"delete from {table}",
            f"truncate {table}",
            f"truncate {table} cascade",
            f"drop table {table}",
            f"alter table {table} disable trigger all",
            f"alter table {table} add column x int",
            f"create trigger t before insert on {table} for each row execute function suppress_redundant_updates_trigger()",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                as_app(app_role, statement)
    as_app(app_role, "insert into audit_auditevent (actor, action, entity, entity_id, reason, details, request_id) "
                     "values ('user', 'view', 'x.y', '', '', '{}', '')")  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "drop trigger audit_no_change on audit_auditevent",
        "drop trigger audit_no_truncate on audit_auditevent",
        "drop function audit_is_append_only()",
        "create or replace function audit_is_append_only() returns trigger language plpgsql as 'begin return null; end'",
        "alter function audit_is_append_only() rename to x",
        "set session_replication_role = replica",
        "alter table audit_auditevent owner to current_user",
        "set role postgres",
        "create table x (y int)",
        "delete from django_migrations",
        "create rule r as on insert to audit_auditevent do instead nothing",
    ],
)
def test_the_application_cannot_take_the_guard_away(app_role, statement):
    with pytest.raises(
        (
            psycopg2.errors.InsufficientPrivilege,
            psycopg2.errors.UndefinedObject,
            psycopg2.errors.InvalidParameterValue,
        )
    ):
        as_app(app_role, statement)


def test_a_grant_to_oneself_gives_nothing(app_role):
    """PostgreSQL answers a grant without the right to grant by a warning; the right stays missing."""
    history_tables()
    as_app(app_role, "grant update on audit_auditevent to public")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_app(app_role, "update audit_auditevent set reason = 'x'")


def test_the_application_can_do_its_daily_work(app_role):
    make_user()
    as_app(app_role, "update accounts_user set name = 'x'")
    as_app(app_role, "insert into throttle_cache values ('k', 'v', now())")
    as_app(app_role, "delete from throttle_cache")
    assert as_app(app_role, "select nextval('audit_auditevent_id_seq')")
