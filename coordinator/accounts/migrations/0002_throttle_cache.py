"""The table behind Django's cache: throttles and used one-time codes, in PostgreSQL so that Redis may be off."""

from django.db import migrations

FORWARD = """
create table throttle_cache (cache_key varchar(255) primary key, value text not null, expires timestamptz not null);
create index throttle_cache_expires on throttle_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, "drop table throttle_cache")]
