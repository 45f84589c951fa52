"""The options of one run: the command, a deployment and the library fill them in, and the claim reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Self

from dailies.planning.submit_order import Order
from dailies.prompts.options import AS_WRITTEN, ReadOptions
from dailies.prompts.reader import PromptFile, read_prompts
from dailies.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a person chose for one run. A new option is a field here, a parameter of the flow and one of the command.

    Attributes:
        sources: the files of prompts: paths, URLs, patterns.
        max_cost_mxn: the most that this run may cost, in MXN; None: the setting.
        max_month_mxn: the most that the month may cost, in MXN; None: the setting.
        limit: use only this many records of the sources; None: all.
        fit: take rows in order until a cap is reached, instead of refusing the run.
        reading: how the sources are read.
        retry_failed: try rows again that ended as failed.
        order: in which order rows are submitted.
        mirror_to: where the finished videos are copied; None: the setting.
        take_over: batches of hanging runs whose rows this run takes.
        fan_out: run each batch as a deployment.
        approved_mxn: the worst case that a person saw and approved, in MXN; None if no person was asked.
        approved_rows: the digests of the rows that a person saw (``digest_rows``); empty if no person was asked.
        new_ledger: start a new ledger where there is none, although videos cost money.
    """

    sources: tuple[str, ...] = ()
    max_cost_mxn: Decimal | None = None
    max_month_mxn: Decimal | None = None
    limit: int | None = None
    fit: bool = False
    reading: ReadOptions = AS_WRITTEN
    retry_failed: bool = False
    order: Order = "file"
    mirror_to: str | None = None
    take_over: tuple[str, ...] = ()
    fan_out: bool = False
    approved_mxn: Decimal | None = None
    approved_rows: tuple[str, ...] = ()
    new_ledger: bool = False

    @classmethod
    def chosen(cls, arguments: Mapping[str, Any], **more: Any) -> Self:
        """Pick the options out of a function's arguments (``locals()``); every other argument is ignored."""
        given = {**arguments, **more}
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})

    @property
    def overrides(self) -> dict[str, Any]:
        """The options that replace a setting of the same name."""
        return {
            "max_cost_mxn": self.max_cost_mxn,
            "max_month_mxn": self.max_month_mxn,
            "mirror_to": self.mirror_to or None,
        }

    def read(self, settings: Settings, *, quote: bool = False) -> PromptFile:
        """Read all records of the sources; ``limit`` is not applied.

        Args:
            settings: the model of rows without one, and the folders in which files must lie.
            quote: whether messages may quote the words of headers: on a terminal, but in no log.

        Raises:
            InputError: a source cannot be used, or has bad rows.
        """
        return read_prompts(
            self.sources,
            self.reading,
            default_model=settings.default_model,
            folders=settings.source_folders,
            quote=quote,
        )
