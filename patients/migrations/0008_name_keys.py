import django.contrib.postgres.indexes
import django.db.models.expressions
from django.contrib.postgres.operations import CreateExtension
from django.db import migrations

# What each word of a folded name sounds like: both codes of Double Metaphone, and one for a Spanish or German ear
# (silent h; b, v and w; s, z and soft c; j, x and soft g; ll and y). It keeps the search path of now, so that a
# dump can be restored.
MAKE = """
create function name_sounds(name text) returns text[]
language sql immutable strict parallel safe cost 1000 set search_path from current as $$
  select coalesce(array_agg(distinct code), '{}')
    from (select unnest(array[dmetaphone(word), dmetaphone_alt(word)]) as code
            from string_to_table(name, ' ') word where word ~ '^[a-z]{2,}$'
           union all
          select '~' || dmetaphone(ear)
            from string_to_table(translate(replace(replace(replace(replace(replace(replace(replace(replace(
                   ' ' || name, ' h', ' '), 'ce', 'se'), 'ci', 'si'), 'ge', 'je'), 'gi', 'ji'),
                   'ph', 'f'), 'qu', 'k'), 'll', 'y'), 'vwzx', 'bbsj'), ' ') ear where ear ~ '^[a-z]{2,}$') c
   where code not in ('', '~') $$
"""

# By what a name is found in spite of a slip of the ear or the finger: what it sounds like (capitals), and each word
# as it is and with one letter left out (small letters). Two words that share such a key are at most one letter left out,
# put in, exchanged or turned around apart, or little more; patients.rules.likeness looks closer.
MAKE_KEYS = """
create function name_keys(name text) returns text[]
language sql immutable strict parallel safe cost 2000 set search_path from current as $$
  select name_sounds(name) || coalesce(array_agg(distinct slip), '{}')
    from string_to_table(name, ' ') word,
         lateral (select word as slip
                  union all select overlay(word placing '' from at for 1) from generate_series(1, length(word)) at) s
   where length(word) > 2 $$
"""


class Migration(migrations.Migration):
    dependencies = [("patients", "0007_merging")]

    operations = [
        # The index looks at every patient, which may take longer than a page is given.
        migrations.RunSQL("set local statement_timeout = 0", migrations.RunSQL.noop),
        CreateExtension("fuzzystrmatch"),
        migrations.RunSQL(MAKE, "drop function name_sounds(text)"),
        migrations.RunSQL(MAKE_KEYS, "drop function name_keys(text)"),
        migrations.AddIndex(
            model_name="patient",
            index=django.contrib.postgres.indexes.GinIndex(
                django.db.models.expressions.Func(
                    django.db.models.expressions.F("search_name"), function="name_keys"
                ),
                name="patient_name_keys",
            ),
        ),
    ]
