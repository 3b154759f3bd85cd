"""The admin's appearance: name, colours and icon, as settings of django-unfold."""

from typing import Any


def unfold(static_url: str) -> dict[str, Any]:
    return {
        "SITE_TITLE": "Attune",
        "SITE_HEADER": "Attune",
        "SITE_SUBHEADER": "Conversations and their mood",
        "SITE_SYMBOL": "forum",
        "SITE_FAVICONS": [
            {
                "rel": "icon",
                "type": "image/svg+xml",
                "href": f"{static_url}chatbot/widget/icon.svg",
            },
        ],
        "SITE_URL": None,
        "SCRIPTS": [f"{static_url}chatbot/admin/accessible.js"],
        "STYLES": [f"{static_url}chatbot/admin/accessible.css"],
        "SHOW_HISTORY": False,
        "SHOW_VIEW_ON_SITE": False,
        "BORDER_RADIUS": "8px",
        "COLORS": {
            "primary": {
                "50": "#eef8f5",
                "100": "#d6efe8",
                "200": "#aedfd3",
                "300": "#7cc9b9",
                "400": "#47ad9a",
                "500": "#24917f",
                "600": "#157767",
                "700": "#0e665a",
                "800": "#0f5148",
                "900": "#10433c",
                "950": "#052723",
            },
        },
        "DASHBOARD_CALLBACK": "chatbot.admin.setup.shown",
        "SIDEBAR": {"navigation": "chatbot.admin.navigation.sidebar"},
    }
