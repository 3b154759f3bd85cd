"""A JSON parser that refuses odd and oversized bodies with clear errors."""

from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

from crm.plumbing.storable import RecordError, loads, strings
from inference.text import unstorable


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE

    def __init__(self) -> None:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        super().__init__(f"A request may have at most {most:,} bytes: send less at once.")


class SafeJSONParser(JSONParser):
    def parse(self, stream: Any, *arguments: Any, **options: Any) -> Any:
        most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge
        try:
            data = loads(body, parse_constant=strict_constant)
            # The rows of a list are checked one by one, so that the valid ones are stored.
            if not isinstance(data, list) and any(map(unstorable, strings(data))):
                raise ParseError("The JSON contains a NUL character or half a character.")
        except (RecursionError, RecordError):
            raise ParseError("The JSON is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from None
        return data
