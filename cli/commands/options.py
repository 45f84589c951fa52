"""Options that several verbs have, with the words of their help."""

from decimal import Decimal
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

Csv = Annotated[
    tuple[str, ...],
    Parameter(help="The prompts: files, URLs, patterns; - is stdin."),
]
Template = Annotated[str | None, Parameter(help="Prompt of rows without one; {x} is meta.x.")]
MaxCost = Annotated[Decimal | None, Parameter(help="What this run may cost at worst, in MXN.")]
MaxMonth = Annotated[Decimal | None, Parameter(help="What the month may come to, in MXN.")]
Limit = Annotated[int | None, Parameter(help="Only the first so many rows of the sources.", validator=Number(gte=1))]
Fit = Annotated[bool, Parameter(help="Take rows in order until a cap is reached.")]
SkipBad = Annotated[bool, Parameter(help="Leave out rows that cannot be read.")]
Retry = Annotated[bool, Parameter(help="Try rows again that ended as failed.")]
InOrder = Annotated[
    Literal["file", "longest"], Parameter(name="--order", help="As the file says, or slow models first.")
]
Json = Annotated[bool, Parameter(name="--json", help="For programs: JSON on standard output.")]
