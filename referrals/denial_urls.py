"""Addresses of what follows a payer's decision; part of the referral pages."""

from django.urls import path

from referrals.views import continuing as continue_views
from referrals.views import denial_setup as setup
from referrals.views import denials as views
from referrals.views import letters

patterns = [
    path("authorizations/<uuid:pk>/denial/", views.denial_new, name="denial_new"),
    path(
        "authorizations/<uuid:pk>/continue/<slug:certification>/",
        continue_views.authorization_continue,
        name="authorization_continue",
    ),
    path(
        "authorizations/<uuid:pk>/back-date/",
        continue_views.authorization_back_date,
        name="authorization_back_date",
    ),
    path("denials/<uuid:pk>/", views.denial_detail, name="denial_detail"),
    path("denials/<uuid:pk>/error/", views.denial_in_error, name="denial_in_error"),
    path("denials/<uuid:pk>/tick/", views.denial_tick, name="denial_tick"),
    path("denials/<uuid:pk>/close/", views.denial_close, name="denial_close"),
    path("denials/<uuid:pk>/talk/", views.talk_new, name="talk_new"),
    path("denials/<uuid:pk>/appeal/", views.appeal_new, name="appeal_new"),
    path("denials/<uuid:pk>/letter/", letters.letter_edit, name="letter_edit"),
    path("talks/<uuid:pk>/", views.talk_outcome, name="talk_outcome"),
    path("appeals/<uuid:pk>/", views.appeal_outcome, name="appeal_outcome"),
    path("letters/<uuid:pk>/", letters.letter_file, name="letter_file"),
    path("denial-outcomes/", letters.denial_outcomes, name="denial_outcomes"),
    path("denial-reasons/", setup.category_list, name="category_list"),
    path("denial-reasons/new/", setup.category_edit, name="category_new"),
    path("denial-reasons/<uuid:pk>/", setup.category_edit, name="category_edit"),
    path("denial-reasons/<uuid:pk>/<slug:step>/", setup.category_step, name="category_step"),
    path("payers/<uuid:pk>/terms/", setup.payer_terms, name="payer_terms"),
]
