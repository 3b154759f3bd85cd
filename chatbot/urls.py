from django.contrib import admin
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from chatbot import api, probes, views
from chatbot.transcripts import transcript
from chatbot.two_factor import second_factor
from crm.views import receive

urlpatterns = [
    path("", views.demo_shop, name="demo"),
    path("demo/identity/", views.demo_identity, name="demo-identity"),
    path("widget.js", views.loader, name="loader"),
    path("widget/<slug:inbox>/", views.widget, name="widget"),
    path("widget/<slug:inbox>/transcript/", transcript, name="transcript"),
    path("api/inboxes/<slug:inbox>/session/", api.Session.as_view(), name="session"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("webhooks/crm/<slug:source>/", receive, name="webhook"),
    path("livez", probes.livez, name="livez"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("admin/second-factor/", second_factor, name="second-factor"),
    path("admin/", admin.site.urls),
]
