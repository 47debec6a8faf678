"""Addresses of the schedule."""

from django.urls import path

from scheduling.views import appointments, away, booking, missed, reminders, schedule, setup, waitlist

app_name = "scheduling"

urlpatterns = [
    path("", schedule.schedule, name="schedule"),
    path("book/", booking.book, name="book"),
    path("book/patient/", booking.choose_patient, name="choose_patient"),
    path("no-shows/", missed.missed_list, name="missed_list"),
    path("waitlist/", waitlist.waitlist, name="waitlist"),
    path("waitlist/new/", waitlist.waitlist_add, name="waitlist_add"),
    path("waitlist/<uuid:pk>/", waitlist.waitlist_entry, name="waitlist_entry"),
    path("waitlist/<uuid:pk>/change/", waitlist.waitlist_change, name="waitlist_change"),
    path("waitlist/<uuid:pk>/step/<slug:step>/", waitlist.waitlist_step, name="waitlist_step"),
    path("waitlist/times/<uuid:pk>/offer/", waitlist.waitlist_offer, name="waitlist_offer"),
    path("waitlist/offers/<uuid:pk>/<slug:answer>/", waitlist.waitlist_answer, name="waitlist_answer"),
    path("away/", away.away_list, name="away_list"),
    path("away/<uuid:pk>/", away.away, name="away"),
    path("away/<uuid:pk>/back/", away.away_back, name="away_back"),
    path("bulk/", appointments.bulk, name="bulk"),
    path("visits/<uuid:pk>/", appointments.appointment_detail, name="appointment_detail"),
    path("visits/<uuid:pk>/move/", booking.appointment_move, name="appointment_move"),
    path("visits/<uuid:pk>/undo/<slug:step>/", appointments.appointment_undo, name="appointment_undo"),
    path("visits/<uuid:pk>/step/<slug:step>/", appointments.appointment_step, name="appointment_step"),
    path("setup/", setup.service_list, name="service_list"),
    path("setup/types/new/", setup.service_edit, name="service_create"),
    path("setup/types/<uuid:pk>/", setup.service_edit, name="service_edit"),
    path("setup/hours/", setup.hours, name="hours"),
    path("setup/hours/<uuid:pk>/end/", setup.hours_end, name="hours_end"),
    path("setup/blocks/", setup.blocks, name="blocks"),
    path("setup/blocks/<uuid:pk>/remove/", setup.block_remove, name="block_remove"),
    path("setup/reminders/", reminders.reminder_settings, name="reminder_settings"),
    path(
        "setup/reminders/<uuid:pk>/reset/", reminders.reminder_settings_reset, name="reminder_settings_reset"
    ),
]
