"""Our own pages about accounts: /accounts/…"""

from django.urls import path

from coordinator.accounts import views

app_name = "accounts"

urlpatterns = [
    path("preferences/", views.preferences, name="preferences"),
    path("stay/", views.keep_alive, name="keep_alive"),
    path("sign-out-everywhere/", views.sign_out_everywhere, name="sign_out_everywhere"),
    path("people/", views.user_list, name="user_list"),
    path("people/new/", views.user_new, name="user_new"),
    path("people/<int:pk>/", views.user_edit, name="user_edit"),
    path("people/<int:pk>/close/", views.user_deactivate, name="user_deactivate"),
    path("people/<int:pk>/reopen/", views.user_reactivate, name="user_reactivate"),
    path("people/<int:pk>/second-factor/", views.user_reset_factor, name="user_reset_factor"),
    path("people/<int:pk>/link/", views.user_send_link, name="user_send_link"),
    path("people/<int:pk>/sign-out/", views.user_sign_out, name="user_sign_out"),
    path("settings/", views.settings_home, name="settings"),
    path("settings/sites/new/", views.site_new, name="site_new"),
    path("settings/sites/<uuid:pk>/", views.site_edit, name="site_edit"),
    path("settings/sites/<uuid:pk>/teams/", views.team_new, name="team_new"),
    path("settings/teams/<uuid:pk>/", views.team_rename, name="team_rename"),
]
