from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from chatbot.attachments.views import attachment
from chatbot.conversation.mail_links import confirm
from chatbot.demo.crm import demo_crm
from chatbot.demo.views import demo_identity, demo_shop
from chatbot.operations import probes
from chatbot.people.two_factor import second_factor
from chatbot.widget import views
from chatbot.widget.transcript import transcript
from crm.inbound.views import receive

admin.autodiscover()
handler500 = "chatbot.api.problems.broken"

urlpatterns = [
    path("", demo_shop, name="demo"),
    path("demo/identity/", demo_identity, name="demo-identity"),
    path("demo/crm/", demo_crm, name="demo-crm"),
    path("widget.js", views.loader, name="loader"),
    path("widget/<slug:inbox>/", views.widget, name="widget"),
    path("widget/<slug:inbox>/look.js", views.look_script, name="look-script"),
    path("widget/<slug:inbox>/logo/", views.logo, name="logo"),
    re_path(r"^widget/look/([0-9a-f]{6})\.css$", views.look_style, name="look-style"),
    path("widget/<slug:inbox>/transcript/", transcript, name="transcript"),
    path("confirm-mail/", confirm, name="confirm-mail"),
    path("attachments/<uuid:pk>/", attachment, name="attachment"),
    path("api/", include("chatbot.api.urls")),
    path("webhooks/crm/<slug:source>/", receive, name="webhook"),
    path("livez", probes.livez, name="livez"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("admin/second-factor/", second_factor, name="second-factor"),
    path("admin/", admin.site.urls),
]

if settings.OIDC_ISSUER:
    # Before the admin, which takes every other address that begins like this.
    urlpatterns.insert(0, path("admin/sso/", include("chatbot.people.sso")))
