"""Parse bodies strictly: an unknown field is refused, and no type is converted to another."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.parsers import printable
from config.kernel.money import BadAmount, Money, format_minor, parse_minor

MOST_MONTHS = 1_000


class ClosedSerializer(serializers.Serializer[None]):
    """An object of these fields and no others."""

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401 - from JSON
        read = super().to_internal_value(data)
        unknown = sorted(data.keys() - self.fields.keys())
        if unknown:
            raise serializers.ValidationError({printable(name): ["Unknown field."] for name in unknown[:20]})
        return read


class TextField(serializers.CharField):
    """A text; a number is refused."""

    def to_internal_value(self, data: Any) -> str:  # noqa: ANN401 - from JSON
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class MonthsField(serializers.IntegerField):
    """A number of months; a text is refused."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the field's own
        super().__init__(min_value=1, max_value=MOST_MONTHS, **kwargs)

    def to_internal_value(self, data: Any) -> int:  # noqa: ANN401 - from JSON
        if type(data) is not int:
            self.fail("invalid")
        return int(data)


class MomentField(serializers.DateTimeField):
    """A moment: ISO 8601 with its offset, as without one nobody knows when it was."""

    default_error_messages = {"offset": "The offset is missing: write 2026-03-01T09:30:00+08:00."}

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("offset")
        return super().enforce_timezone(value)


class MoneySerializer(ClosedSerializer):
    """An amount of money: decimal text and its currency."""

    amount = TextField(max_length=40, help_text='Decimal text: "123.45".')
    currency = TextField(max_length=3)

    def validate(self, attrs: dict[str, str]) -> Money:
        """Parse the amount to minor units. Raises ValidationError."""
        try:
            return Money(parse_minor(attrs["amount"], attrs["currency"]), attrs["currency"])
        except BadAmount as error:
            raise serializers.ValidationError({"amount": [f"{error}."]}) from error


@extend_schema_field(MoneySerializer)
class MinorField(serializers.Field[int, Any, dict[str, str], Any]):
    """Render minor units as money of the currency in the context."""

    def to_representation(self, value: int) -> dict[str, str]:
        """Write the amount and its currency."""
        return money(value, self.context["currency"])


class LowerField(serializers.CharField):
    """Render a state or a type in small letters."""

    def to_representation(self, value: str) -> str:
        """Write the text."""
        return str(value).lower()


@extend_schema_field(OpenApiTypes.STR)
class RateField(serializers.Field[Decimal, Any, str, Any]):
    """Render a rate as decimal text without trailing zeros."""

    def to_representation(self, value: Decimal) -> str:
        """Write the text."""
        return f"{value.normalize():f}"


class NothingSerializer(ClosedSerializer):
    """An empty body."""


def minor_of(money: Money, currency: str) -> int:
    """Return the minor units of an amount, which must be in `currency`. Raises ValidationError."""
    if money.currency != currency:
        raise serializers.ValidationError({"amount": {"currency": [f"The currency is {currency}."]}})
    return money.minor


def money(minor: int, currency: str) -> dict[str, str]:
    """Format an amount of money as the API does."""
    return {"amount": format_minor(minor, currency), "currency": currency}
