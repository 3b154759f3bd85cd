"""The Content-Security-Policy of every page; chatbot/middleware.py loosens it for the admin.

The widget runs in an iframe, and its own view lists the sites that may embed it.
"""

SELF, NONE = "'self'", "'none'"
DIRECTIVES = {
    "default-src": [SELF],
    "connect-src": [SELF, "ws:", "wss:"],
    "img-src": [SELF, "data:"],
    "object-src": [NONE],
    "base-uri": [NONE],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
}
