from django.apps import AppConfig


class ChatbotConfig(AppConfig):
    name = "chatbot"
    verbose_name = "Support"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from chatbot import receivers  # noqa: F401 registers itself
        from chatbot.operations import checks, parts  # noqa: F401 register themselves
        from chatbot.people import audit, roles

        audit.register()
        post_migrate.connect(roles.after_migrations)
