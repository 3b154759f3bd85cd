"""Addresses under /api/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from chatbot.api import conversations, records, session

urlpatterns = [
    path("inboxes/<slug:inbox>/session/", session.Session.as_view(), name="session"),
    path("records/", records.Records.as_view(), name="records"),
    path("records/<path:pk>/", records.OneRecord.as_view(), name="record"),
    path("customers/", records.Customers.as_view(), name="customers"),
    path("customers/<path:pk>/", records.OneCustomer.as_view(), name="customer"),
    path("conversations/", conversations.Conversations.as_view(), name="conversations"),
    path("conversations/<uuid:pk>/", conversations.OneConversation.as_view(), name="conversation"),
    path("conversations/<uuid:pk>/messages/", conversations.Messages.as_view(), name="messages"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]
