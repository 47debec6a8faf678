"""One coordinator's whole worklist, as data: 38 tasks in every group, each with why it is here.

Due: ("clock", rule, business days since the event), ("overdue", business days), ("today",) or ("today", hour, minute),
("day", business days ahead). Last contact: (result, days ago, attempts so far) or None.
"""

from __future__ import annotations

from typing import Any

Row = tuple[str, str, str, str, str, tuple[Any, ...], tuple[str, int, int] | None]

URGENT = {"Send missing notes to payer", "Positive depression screen, follow up"}

TODO: list[Row] = [
    # kind, program, title, reason, patient, due, last contact
    (
        "discharge_call", "TCM", "Post-discharge call", "Discharged from Mercy General, heart failure flare",
        "Ramírez, Elena", ("clock", "tcm.contact", 1), ("no_answer", 1, 1),
    ),
    (
        "discharge_call", "TCM", "Post-discharge call", "Discharged from Mercy General, heart failure and diabetes",
        "Alvarez, Maria", ("clock", "tcm.contact", 1), None,
    ),
    (
        "discharge_call", "TCM", "Post-discharge call", "Discharged from Northgate Hospital, COPD with pneumonia",
        "Johansson, Brita", ("clock", "tcm.contact", 2), ("left_message", 1, 2),
    ),
    (
        "book_visit", "TCM", "Book the 7-day visit", "Discharged from Mercy General, no visit booked yet",
        "Abdi, Hodan", ("clock", "tcm.visit_7", 3), ("reached_call_back", 4, 3),
    ),
    (
        "no_show_follow_up", "CCM", "Find out why infusion was missed", "Second missed infliximab dose",
        "Tran, Minh-Chau", ("overdue", 2), ("no_answer", 5, 2),
    ),
    (
        "referral_follow_up", "", "Cardiology report not back", "Seen 7 weeks ago, asked twice",
        "Olsen, Gerald", ("overdue", 2), ("left_message", 9, 2),
    ),
    (
        "results", "BHI", "Positive depression screen, follow up", "PHQ-9 score 16, item 9 negative",
        "Washington, Keisha", ("overdue", 1), ("left_message", 2, 1),
    ),
    (
        "transport", "CCM", "Ride for dialysis not confirmed", "Monday, Wednesday, Friday at 6 AM; county ride ends soon",
        "Begay, Harold", ("overdue", 1), ("reached_call_back", 8, 0),
    ),
    (
        "paperwork", "", "Home oxygen order unsigned", "Equipment form with Dr. Okafor for 9 days",
        "Fitzpatrick, Maeve", ("overdue", 5), ("reached_call_back", 9, 0),
    ),
    (
        "book_visit", "", "Missed colonoscopy, rebook", "No ride that day",
        "Hernandez, Rosa", ("overdue", 1), ("no_answer", 6, 1),
    ),
    (
        "outreach_call", "CCM", "CCM monthly call", "12 of 20 minutes logged this month",
        "Nguyen, Thuy", ("today", 13, 0), ("reached_call_back", 27, 0),
    ),
    (
        "outreach_call", "CCM", "Check weight and swelling", "Weight up 4 lb in 3 days, remote scale",
        "Peterson, Alan", ("today",), ("reached_call_back", 6, 0),
    ),
    (
        "referral_follow_up", "", "Confirm interpreter for cardiology", "Visit at Mercy in 2 days, 9:40 AM",
        "Xiong, Pao", ("today",), ("reached_call_back", 2, 0),
    ),
    (
        "outreach_call", "CCM", "Review new insulin start", "Started glargine last week, first check",
        "Coleman, Denise", ("today", 14, 30), ("reached_call_back", 7, 0),
    ),
    (
        "outreach_call", "", "Food shelf referral: did it work?", "Screened positive two weeks ago",
        "Martinez, Jorge", ("today",), ("left_message", 5, 1),
    ),
    (
        "outreach_call", "", "Refill gap: apixaban", "9 days without a fill, atrial fibrillation",
        "Larson, Ingrid", ("today",), ("reached_call_back", 19, 0),
    ),
    (
        "paperwork", "CCM", "Send visit summary to home care", "Seen yesterday by Dr. Chen",
        "Brown, Terrence", ("today",), None,
    ),
    (
        "outreach_call", "", "Call daughter about memory clinic", "Permission on file for daughter Ann",
        "Schmidt, Lorraine", ("today", 15, 15), ("reached_call_back", 7, 0),
    ),
    (
        "book_visit", "", "Schedule mammogram", "Overdue by 14 months, prefers Northgate",
        "Okonkwo, Adaeze", ("today",), ("no_answer", 8, 1),
    ),
    (
        "outreach_call", "CCM", "Check blood pressure log", "3 readings over 160 last week",
        "Jenkins, Walter", ("today",), ("reached_call_back", 13, 0),
    ),
    (
        "paperwork", "", "Housing letter for county", "Needs a doctor's signature this week",
        "Ali, Fadumo", ("today",), ("reached_call_back", 2, 0),
    ),
    (
        "book_visit", "", "Book echo before cardiology", "Order placed last week",
        "Vang, Mai", ("today",), None,
    ),
    (
        "outreach_call", "CCM", "CCM monthly call", "4 of 20 minutes logged this month",
        "Gutierrez, Manuel", ("day", 1), ("reached_call_back", 22, 0),
    ),
    (
        "plan_review", "CCM", "Care plan review with family", "Goals due for yearly review",
        "Anderson, June", ("day", 1), None,
    ),
    (
        "outreach_call", "TCM", "Reconcile medicines after discharge", "4 changes on the discharge list",
        "Ramírez, Elena", ("day", 2), None,
    ),
    (
        "authorization", "", "Appeal: physical therapy denial", "The time to appeal is running",
        "Dubois, Marcel", ("day", 2), None,
    ),
    (
        "results", "", "Collect sleep study result", "Done at Cedar Sleep Center last week",
        "Hassan, Omar", ("day", 2), None,
    ),
    (
        "outreach_call", "", "Smoking quit date check-in", "Quit date was last Sunday",
        "Novak, Pavel", ("day", 2), ("reached_call_back", 6, 0),
    ),
    (
        "outreach_call", "CCM", "A1c recheck", "Last was 9.2% three months ago",
        "Thompson, Ray", ("day", 3), ("reached_call_back", 30, 0),
    ),
    (
        "referral_follow_up", "", "Wound clinic: first visit done?", "Booked for this week",
        "Ibarra, Celia", ("day", 3), ("reached_call_back", 5, 0),
    ),
    (
        "paperwork", "", "Advance directive on file?", "Asked at the last visit",
        "Meyer, Helmut", ("day", 3), None,
    ),
    (
        "outreach_call", "BHI", "BHI follow-up, week 4", "PHQ-9 was 14",
        "Rossi, Carla", ("day", 4), ("reached_call_back", 8, 0),
    ),
    (
        "outreach_call", "TCM", "Confirm nebulizer training", "Delivered yesterday",
        "Johansson, Brita", ("day", 4), None,
    ),
    (
        "referral_follow_up", "", "Pediatric dental referral", "Two children, new coverage",
        "Mohamed, Sahra", ("day", 4), ("reached_call_back", 9, 0),
    ),
    (
        "book_visit", "", "Colon screen kit not returned", "Mailed three weeks ago",
        "Evans, Patrick", ("day", 4), ("no_answer", 7, 1),
    ),
    (
        "outreach_call", "CCM", "CCM monthly call", "0 of 20 minutes logged this month",
        "Yang, Bee", ("day", 4), ("reached_call_back", 20, 0),
    ),
    (
        "transport", "CCM", "Check transport grant renewal", "Ends with the year",
        "Begay, Harold", ("day", 9), None,
    ),
    (
        "other", "", "Ask about home safety", "Mentioned loose rugs at the last visit",
        "Meyer, Helmut", ("day", 5), None,
    ),
]  # fmt: skip

WAITING = [
    ("paperwork", "TCM", "Scale and blood pressure cuff delivery", "Ramírez, Elena", "Supplier, order 5521", 3),
    ("authorization", "", "MRI lumbar: payer decides", "Kowalski, Daniel", "HealthNorth Plus", 2),
    ("paperwork", "", "Records from Mercy General", "Alvarez, Maria", "Mercy General Hospital", 1),
    ("results", "", "Biopsy result", "Fitzpatrick, Maeve", "Riverbend lab", 4),
    ("paperwork", "", "Equipment form signature", "Larson, Ingrid", "Dr. Chen", 2),
]  # fmt: skip

SNOOZED = [
    ("outreach_call", "Ask about flu shot", "Peterson, Alan", "Away until next week", 5),
    ("book_visit", "Yearly eye exam", "Thompson, Ray", "Eye clinic opens its calendar later", 12),
    ("outreach_call", "Diabetes class feedback", "Coleman, Denise", "Class ends next week", 6),
]  # fmt: skip

POOL = [
    ("outreach_call", "Welcome call for a new patient", 1),
    ("paperwork", "Sort incoming fax: consult report", 0),
    ("results", "Tell patient: normal mammogram", 2),
    ("data_quality", "Two phone numbers look the same", 4),
    ("outreach_call", "Call back: question about a bill", 0),
    ("book_visit", "Book a nurse visit for a blood pressure check", 3),
    ("transport", "Ride for Thursday's visit", 1),
]  # fmt: skip

DONE_TODAY = [
    ("outreach_call", "CCM", "CCM monthly call", "Anderson, June", "Reached, 14 minutes"),
    ("paperwork", "", "Fax visit notes to cardiology", "Olsen, Gerald", "Sent, confirmed"),
    ("outreach_call", "", "Confirm visit tomorrow", "Hernandez, Rosa", "Will come, has a ride"),
    ("results", "", "Tell patient: A1c 7.1%", "Jenkins, Walter", "Told, glad"),
    ("book_visit", "", "Book the diabetes class", "Gutierrez, Manuel", "Booked"),
]  # fmt: skip

# What the other coordinators' lists are drawn from.
OTHERS: list[tuple[str, str, str, str]] = [
    ("outreach_call", "CCM", "CCM monthly call", "Minutes still to do this month"),
    ("outreach_call", "", "Check in after a medicine change", "New dose last week"),
    ("outreach_call", "", "Ask about home glucose readings", "High readings at the last visit"),
    ("book_visit", "", "Book a follow-up visit", "Due after the last visit"),
    ("referral_follow_up", "", "Report not back", "Seen four weeks ago"),
    ("results", "", "Tell patient the lab results", "Back since yesterday"),
    ("transport", "", "Book a ride for the next visit", "No car"),
    ("paperwork", "", "Disability form", "Needs a signature"),
    ("authorization", "", "Answer the payer's question", "Notes asked for"),
    ("no_show_follow_up", "", "Call about a missed visit", "Did not come last week"),
    ("plan_review", "CCM", "Care plan review", "Review date is near"),
    ("data_quality", "", "Coverage not checked for 60 days", "Card may have changed"),
]
