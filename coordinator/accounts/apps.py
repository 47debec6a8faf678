from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "coordinator.accounts"

    def ready(self) -> None:
        from coordinator.accounts import sign_in_audit  # noqa: F401  (connects its receivers)
