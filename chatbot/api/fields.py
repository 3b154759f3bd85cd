"""Fields that take what their description says, and nothing that could be meant by it."""

from typing import Any

from django.db import models
from rest_framework import serializers


class TrueOrFalse(serializers.BooleanField):
    """Not "yes", 1 or "off"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(data)


class Text(serializers.CharField):
    """Not a number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        # Before blanks at its ends are taken off: a description knows of no blanks.
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return str(super().to_internal_value(data))


class Slug(Text, serializers.SlugField):
    pass


class StrictModelSerializer(serializers.ModelSerializer):
    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.BooleanField: TrueOrFalse,
        models.CharField: Text,
        models.SlugField: Slug,
    }
