"""How often a fault strikes, and on which routes."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Route = Literal["submit", "poll", "models", "credits", "storage"]
Routes = Annotated[tuple[Route, ...], Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Message = Annotated[str, Field(max_length=4_000)]


class When(BaseModel):
    """How often a fault strikes, of the events that it is about; without a word: always.

    Attributes:
        after: lets so many events pass first.
        every: strikes each nth event after those.
        rate: strikes this share of the events, drawn by the script's seed for each request.
        times: strikes at most so often.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    every: Count | None = None
    rate: Annotated[float, Field(gt=0, le=1)] | None = None
    times: Count | None = None

    @model_validator(mode="after")
    def refuse_both(self) -> Self:
        """An event is counted or drawn."""
        if self.every is not None and self.rate is not None:
            raise ValueError("give every or rate, not both")
        return self
