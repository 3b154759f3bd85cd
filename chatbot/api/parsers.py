"""JSON in, however odd and however long."""

from io import BytesIO
from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

from crm.plumbing.storable import RecordError, strings, unstorable


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE

    def __init__(self) -> None:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        super().__init__(f"A request may have {most:,} bytes: send less at once.")


class SafeJSONParser(JSONParser):
    def parse(self, stream: Any, *arguments: Any, **options: Any) -> Any:
        most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge
        try:
            found = super().parse(BytesIO(body), *arguments, **options)
            # The rows of a list are judged one by one, so that the good ones are taken.
            if not isinstance(found, list) and any(map(unstorable, strings(found))):
                raise ParseError("The JSON holds a NUL character or half of one.")
        except (RecursionError, RecordError):
            raise ParseError("The JSON is nested too deeply.") from None
        return found
