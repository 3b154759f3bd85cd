"""Addresses under /api/."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from chatbot.api import attachments, conversations, deliveries, endpoints, records, session, sources
from chatbot.api.problems import NoSuchAddress

of_records = [
    path("records/", records.Records.as_view(), name="records"),
    path("records/<path:pk>/", records.OneRecord.as_view(), name="record"),
    path("customers/", records.Customers.as_view(), name="customers"),
    path("customers/<path:pk>/", records.OneCustomer.as_view(), name="customer"),
]
of_conversations = [
    path("conversations/", conversations.Conversations.as_view(), name="conversations"),
    path("conversations/<uuid:pk>/", conversations.OneConversation.as_view(), name="conversation"),
    path("conversations/<uuid:pk>/messages/", conversations.Messages.as_view(), name="messages"),
]
of_files = [
    path("attachments/", attachments.Attachments.as_view(), name="attachments"),
    path("attachments/<uuid:pk>/", attachments.OneAttachment.as_view(), name="one-attachment"),
]
of_webhooks = [
    path("endpoints/", endpoints.Endpoints.as_view()),
    path("endpoints/<int:pk>/", endpoints.OneEndpoint.as_view()),
    path("endpoints/<int:pk>/rotate-secret/", endpoints.EndpointSecret.as_view()),
    path("endpoints/<int:pk>/test/", endpoints.EndpointTest.as_view()),
    path("deliveries/", deliveries.Deliveries.as_view()),
    path("deliveries/resend/", deliveries.ResendRange.as_view()),
    path("deliveries/<int:pk>/", deliveries.OneDelivery.as_view()),
    path("deliveries/<int:pk>/attempts/", deliveries.Attempts.as_view()),
    path("deliveries/<int:pk>/resend/", deliveries.Resend.as_view()),
    path("sources/", sources.Sources.as_view()),
    path("sources/<slug:name>/", sources.OneSource.as_view()),
    path("sources/<slug:name>/rotate-secret/", sources.SourceSecret.as_view()),
    path("sources/<slug:name>/test/", sources.SourceTest.as_view()),
]
urlpatterns = [
    path("inboxes/<slug:inbox>/session/", session.Session.as_view(), name="session"),
    *of_files,
    *of_records,
    *of_conversations,
    *of_webhooks,
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    re_path("", NoSuchAddress.as_view()),
]
