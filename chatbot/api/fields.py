"""Fields that accept only the types in their description and convert nothing."""

from typing import Any

from django.db import models
from rest_framework import serializers


class TrueOrFalse(serializers.BooleanField):
    """A boolean field that refuses "yes", 1 and "off"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(data)


class Text(serializers.CharField):
    """A text field that refuses numbers."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        # Checked before blanks at the ends are removed: the description does not mention them.
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
