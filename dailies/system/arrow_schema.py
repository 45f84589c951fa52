"""Arrow schemas of dataclasses: each field's annotation names its column type."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pyarrow as pa

Text = Annotated[str, pa.string()]
Texts = Annotated[tuple[str, ...], pa.list_(pa.string())]
Labels = Annotated[Mapping[str, str], pa.map_(pa.string(), pa.string())]
Flag = Annotated[bool, pa.bool_()]
Count = Annotated[int, pa.int32()]
Size = Annotated[int, pa.int64()]
Seconds = Annotated[float, pa.float64()]
Money = Annotated[Decimal, pa.decimal128(18, 6)]
Instant = Annotated[datetime, pa.timestamp("us", tz="UTC")]


def schema_of(record: type, version: Mapping[str, int]) -> pa.Schema:
    """Return the Arrow schema of a dataclass whose fields are annotated with the types above.

    A field that may be None becomes a nullable column. ``version`` becomes the schema's metadata.
    """
    hints = get_type_hints(record, include_extras=True)
    columns = [_column(name, hint) for name, hint in hints.items()]
    return pa.schema(columns, metadata={name: str(number) for name, number in version.items()})


def _column(name: str, hint: Any) -> pa.Field:
    nullable = get_origin(hint) is not Annotated
    annotated = next(part for part in get_args(hint) if get_origin(part) is Annotated) if nullable else hint
    return pa.field(name, annotated.__metadata__[0], nullable=nullable)
