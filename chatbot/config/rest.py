"""The REST API's settings: of Django REST framework, and of the description at /api/docs."""

FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["chatbot.api.parsers.SafeJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "chatbot.api.problems.problem_document",
    "UNAUTHENTICATED_USER": None,
}
DESCRIPTION = {
    "TITLE": "Attune",
    "DESCRIPTION": "Records in, conversations out, webhooks, and visitor sessions for the chat "
    "widget. Errors are RFC 9457 problem documents. Keys are made in the admin, or with "
    "`manage.py api_key add`.",
    "OAS_VERSION": "3.1.1",
    "WEBHOOKS": [
        f"chatbot.api.webhooks.{event}"
        for event in (
            "conversation_created",
            "message_created",
            "sentiment_alert",
            "conversation_handed_off",
            "conversation_assigned",
            "conversation_resolved",
            "feedback_given",
            "csat_submitted",
            "lead_captured",
            "action_requested",
        )
    ],
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    # By default Swagger UI loads a badge from its makers' server.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
