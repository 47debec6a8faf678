"""What somebody outside opens with a link. Nothing in these addresses says what it is about."""

from django.urls import path

from referrals.views import shared

app_name = "shared"

urlpatterns = [
    path("", shared.shared_packet, name="packet"),
    path("file/", shared.shared_file, name="file"),
]
