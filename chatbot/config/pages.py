"""Loads the admin's pages only together with the site's URLs: most commands need neither."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class Pages(SimpleAdminConfig):
    """Django's own admin, whose pages `chatbot.urls` loads."""

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Any, **options: Any) -> Any:
    admin.autodiscover()
    return check_admin_app(app_configs, **options)
