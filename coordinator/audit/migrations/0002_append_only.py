"""The trail is append-only: a trigger refuses update, delete and truncate, whoever asks."""

from django.db import migrations

FORWARD = """
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'audit events are append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_no_change before update or delete on audit_auditevent
  for each row execute function audit_is_append_only();
create trigger audit_no_truncate before truncate on audit_auditevent
  for each statement execute function audit_is_append_only();
"""
BACKWARD = """
drop trigger audit_no_truncate on audit_auditevent;
drop trigger audit_no_change on audit_auditevent;
drop function audit_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
