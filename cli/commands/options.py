"""Options that several verbs share, with their help."""

from decimal import Decimal
from typing import Annotated, Literal

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from dailies.prompts.options import ReadOptions

Csv = Annotated[
    tuple[str, ...],
    Parameter(help="The prompts: files, URLs, patterns; - is stdin. validate --help: more ways to read."),
]
ShownReading = Annotated[ReadOptions, Parameter(name="*")]
# Every verb that reads prompts has these options; the help of one verb alone shows them, so that each fits on a screen.
Reading = Annotated[ReadOptions, Parameter(name="*", group=Group("Reading", show=False))]
MaxCost = Annotated[Decimal | None, Parameter(help="The most that this run may cost, in MXN.")]
MaxMonth = Annotated[Decimal | None, Parameter(help="The most that the month may cost, in MXN.")]
Limit = Annotated[int | None, Parameter(help="Use only the first rows of the sources.", validator=Number(gte=1))]
Fit = Annotated[bool, Parameter(help="Take rows in order until a cap is reached.")]
Retry = Annotated[bool, Parameter(help="Retry rows that failed.")]
InOrder = Annotated[
    Literal["file", "longest"], Parameter(name="--order", help="The order of the file, or slow models first.")
]
Json = Annotated[bool, Parameter(name="--json", help="For programs: JSON on standard output.")]
