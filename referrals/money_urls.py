"""Addresses of the pages about money, below /referrals/money/."""

from django.urls import path, register_converter

from referrals.views import funds as fund_views
from referrals.views import money as money_views


class MoneyConverter:
    """What a patient's page about money lists."""

    regex = "aid|benefit|bill|estimate"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(MoneyConverter, "money")

urlpatterns = [
    path("", fund_views.fund_list, name="fund_list"),
    path("funds/new/", fund_views.fund_edit, name="fund_new"),
    path("funds/<uuid:pk>/", fund_views.fund_detail, name="fund_detail"),
    path("funds/<uuid:pk>/edit/", fund_views.fund_edit, name="fund_edit"),
    path("funds/<uuid:pk>/money-in/", fund_views.fund_deposit, name="fund_deposit"),
    path("movements/<uuid:pk>/reverse/", fund_views.deposit_reverse, name="deposit_reverse"),
    path("payments/<uuid:pk>/reverse/", fund_views.payment_reverse, name="payment_reverse"),
    path("papers/<uuid:pk>/", fund_views.paper, name="asked_paper"),
    path("lines/<uuid:pk>/remove/", fund_views.line_remove, name="bill_line_remove"),
    path("found/", fund_views.dollars_found, name="dollars_found"),
    path("phrases/", fund_views.phrase_list, name="phrase_list"),
    path("phrases/new/", fund_views.phrase_edit, name="phrase_new"),
    path("phrases/<uuid:pk>/", fund_views.phrase_edit, name="phrase_edit"),
    path("<money:kind>/new/", money_views.money_new, name="money_new"),
    path("<money:kind>/<uuid:pk>/", money_views.money_detail, name="money_detail"),
    path("<money:kind>/<uuid:pk>/<slug:act>/", money_views.money_act, name="money_act"),
]
