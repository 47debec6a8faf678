"""What happened to a clock stays as it was written, and so does what a version of a rule said.

Triggers refuse it, whoever asks. Of a rule's version only its last day, source, check and approval may change.
"""

from django.db import migrations

FORWARD = """
create function clock_events_are_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'clock events are append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger clock_event_no_change before update or delete on clocks_clockevent
  for each row execute function clock_events_are_append_only();
create function rule_versions_keep_their_word() returns trigger language plpgsql as $$
begin
  raise exception 'a rule is changed by adding a version' using errcode = 'insufficient_privilege';
end $$;
create trigger rule_version_no_change before update on clocks_ruleversion
  for each row when (
    (old.rule_id, old.version, old.effective_from, old.kind, old.params, old.calendar_id)
    is distinct from (new.rule_id, new.version, new.effective_from, new.kind, new.params, new.calendar_id)
  ) execute function rule_versions_keep_their_word();
"""
BACKWARD = """
drop trigger rule_version_no_change on clocks_ruleversion;
drop function rule_versions_keep_their_word();
drop trigger clock_event_no_change on clocks_clockevent;
drop function clock_events_are_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("clocks", "0002_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
