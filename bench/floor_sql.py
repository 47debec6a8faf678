"""The bare SQL behind the floor: what each operation needs from the database, and no more."""

PATIENT = """id, mrn, family_name, given_name, middle_name, preferred_name, birth_date, sex, language, status, tier,
             coordinator_id, site_id, interpreter_needed, updated_at"""

LIST = f"select {PATIENT} from patients_patient where site_id = any(%s::uuid[]) and status not in ('merged', 'entered_in_error') order by id desc limit 20"
SEARCH = f"""select {PATIENT} from patients_patient
              where search_name like %s and site_id = any(%s::uuid[]) and status not in ('merged', 'entered_in_error') limit 20"""
PHONE = f"""select {PATIENT} from patients_patient p where site_id = any(%s::uuid[])
               and id in (select patient_id from patients_contactpoint where normalized = %s)"""
NUMBER = f"select {PATIENT} from patients_patient where mrn = %s and site_id = any(%s::uuid[])"
ONE = f"select {PATIENT} from patients_patient where id = %s and site_id = any(%s::uuid[])"
SLOTS = """select s from generate_series(%s::timestamptz, %s::timestamptz - interval '30 minutes', interval '15 minutes') s
            where exists (select 1 from scheduling_availability a
                           where a.practitioner_id = %s and a.weekday = extract(isodow from s at time zone %s) - 1
                             and (s at time zone %s)::time >= a.starts
                             and ((s + interval '30 minutes') at time zone %s)::time <= a.ends)
              and not exists (select 1 from scheduling_appointment v
                               where v.practitioner_id = %s and v.start < s + interval '30 minutes' and v."end" > s
                                 and v.status in ('pending', 'booked', 'arrived', 'checked_in', 'fulfilled'))"""
DAY = """select id, patient_id, practitioner_id, service_id, start, "end", status, reason from scheduling_appointment
          where site_id = %s and start >= %s and start < %s order by start, id limit 50"""
BOOK = """insert into scheduling_appointment (id, created_at, updated_at, version, start, "end", zone, time_known, start_version,
             status, priority, reason, is_outside, place, overlap_allowed, override_reason, cancelled_by, booked_at, patient_id,
             practitioner_id, site_id, service_id, patient_overlap_allowed)
          values (%s, now(), now(), 1, %s, %s::timestamptz + interval '30 minutes', 'America/Chicago', true, 1, 'booked', 'routine',
                  '', false, '', false, '', '', now(), %s, %s, %s, %s, false)"""
HISTORY = """insert into scheduling_appointmentchange (id, step, from_status, to_status, at, by_system, reason, facts, record_id)
             values (%s, 'book', '', 'booked', now(), 'floor', '', '{}', %s)"""
