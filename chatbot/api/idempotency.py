"""Idempotency-Key: a request that is sent again gets the same answer, but is carried out once."""

import hashlib
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot.models import IdempotentAnswer

KEPT_FOR = timedelta(hours=24)
LONGEST = 200


class UnderWay(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "The same request is still in progress: try again soon."


class AnotherRequest(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key belongs to another request: use a new one."


def once(request: Request, act: Any) -> Response:
    """Call act() -> Response, unless this key's request was answered before."""
    value = request.headers.get("Idempotency-Key")
    if value is None:
        return act()
    if not 1 <= len(value) <= LONGEST or not value.isprintable():
        raise ValidationError({"Idempotency-Key": f"1 to {LONGEST} printable characters."})
    row = claimed(request, value)
    if row.status is not None:
        return Response(row.body, row.status, headers={"Idempotency-Replayed": "true"})
    try:
        # The request's effect and its answer are committed together.
        with transaction.atomic():
            response = act()
            row.status, row.body = response.status_code, response.data
            row.save(update_fields=["status", "body"])
    except BaseException:
        row.delete()  # Nothing was done: the program may correct the request.
        raise
    return response


def claimed(request: Request, value: str) -> IdempotentAnswer:
    """Create the row, or return the earlier one; the unique constraint decides who was first."""
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body)
    about = digest.hexdigest()
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.create(key=request.auth, value=value, request=about)
    except IntegrityError:
        row = IdempotentAnswer.objects.get(key=request.auth, value=value)
    if row.request != about:
        raise AnotherRequest
    if row.status is None:
        raise UnderWay
    return row


def forget() -> int:
    """Delete answers that are older than a day, and claims of processes that died."""
    old = IdempotentAnswer.objects.filter(at__lt=timezone.now() - KEPT_FOR)
    died = IdempotentAnswer.objects.filter(
        status=None, at__lt=timezone.now() - timedelta(minutes=5)
    )
    return old.delete()[0] + died.delete()[0]
