"""Everything that can go wrong, as one tree.

::

    DailiesError                      message says what to do next
    ├── InputError                    the CSV; carries every RowError found
    │   ├── HeaderError               its header does not fit; carries the columns that would
    │   └── NotUtf8Error              its text is not in UTF-8
    ├── SettingsError                 a setting is missing or out of bounds
    ├── RefusedError                  nothing was spent: a cap, the balance, a changed plan, a missing FX
    ├── ServerError                   no Prefect server can be had
    │   └── ServerLostError           it stopped answering in the middle of a run
    ├── LedgerError                   the ledger cannot be used (lock, schema, other account)
    │   └── JournalError              the journal cannot be written: stop submitting, never poll that id
    │       ├── JournalDamagedError   it cannot be read: a person restores it, or sets it aside
    │       └── FencedError           another run sealed this journal and took its rows over
    ├── MirrorError                   the mirror's target, or its record, cannot be used
    ├── DeliveryError                 one finished video cannot be had, or not be stored
    ├── ServiceError                  GeekHub answered with an error, or not at all
    │   ├── RowRefusedError           400, 404 model: this row can never succeed as it is
    │   │   └── ContentFilterError    the provider's content filter refused the prompt
    │   ├── AccountError              no row can go on
    │   │   ├── KeyRefusedError       401: stop everything
    │   │   └── BalanceEmptyError     402: stop submitting, keep polling
    │   ├── PaceError                 429: the whole process waits
    │   ├── TransportError            5xx, timeout, connection lost, nonsense: try again
    │   └── JobNotFoundError          404 on a poll: never a reason to submit again
    └── JobStateError                 what a poll found
        ├── JobPending                still rendering: expected, not an error
        └── JobFailedError            the provider gave up: not charged

Every class carries scalar fields only, so that it pickles, and says in ``retryable`` whether the same
request may succeed when it is sent again; classes that end a whole run say in ``remedy`` what a person does first.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from dailies.redaction import redact


class DailiesError(Exception):
    """Root of the tree. ``str(error)`` is one message for a person: what is wrong, and the remedy."""

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 2
    remedy: ClassVar[str] = ""

    def __init__(self, *facts: Any) -> None:
        super().__init__(*(redact(fact) if isinstance(fact, str) else fact for fact in facts))


@dataclass(frozen=True, slots=True)
class RowError:
    """One mistake in a source of prompts; ``str`` is the whole message for a person.

    Attributes:
        source: the file, as the user named it.
        line: where the record starts (the first line or row is 1), None for the file as a whole.
        column: the column, None for the whole line.
        reason: what is wrong.
        remedy: what to do about it.
        unit: what ``line`` counts: ``line`` of a text, ``row`` of a sheet or table.
    """

    source: str
    line: int | None
    column: str | None
    reason: str
    remedy: str
    unit: str = "line"

    @property
    def place(self) -> str:
        """The source and, where it is known, the line or row."""
        return self.source if self.line is None else f"{self.source} {self.unit} {self.line}"

    def __str__(self) -> str:
        column = "" if self.column is None else f", column {self.column}"
        return f"{self.place}{column}: {self.reason}; {self.remedy}"


class InputError(DailiesError):
    """Sources of prompts cannot be used as they are: nothing was sent.

    Equal mistakes (same column, same remedy) are one kind: the message shows the first three and counts the rest.

    Args:
        errors: every mistake found, in the order of the sources.
        command: a command that reads the sources without an edit; empty if none is known.
    """

    shown_of_a_kind: ClassVar[int] = 3
    shown_kinds: ClassVar[int] = 12

    def __init__(self, errors: tuple[RowError, ...], command: str = "") -> None:
        super().__init__(errors, command)
        self.errors = errors
        self.command = command

    def __str__(self) -> str:
        kinds: dict[tuple[str | None, str], list[RowError]] = {}
        for error in self.errors:
            kinds.setdefault((error.column, error.remedy), []).append(error)
        lines = [line for kind in list(kinds.values())[: self.shown_kinds] for line in self._lines(kind)]
        if others := [error for kind in list(kinds.values())[self.shown_kinds :] for error in kind]:
            lines.append(f"... and {len(others):,} more of {len(kinds) - self.shown_kinds:,} other kinds")
        if self.command:
            lines.append(f"This reads it: {self.command}")
        return redact("\n".join(lines))

    def _lines(self, kind: list[RowError]) -> list[str]:
        lines = [str(error) for error in kind[: self.shown_of_a_kind]]
        if more := len(kind) - len(lines):
            lines.append(f"... and {more:,} more of this kind, the last in {kind[-1].place}: {kind[0].remedy}")
        return lines


class SettingsError(DailiesError):
    """A setting is missing, malformed or out of bounds."""


class RefusedError(DailiesError):
    """The run was refused before its first submit: nothing was spent."""


class ServerError(DailiesError):
    """No Prefect server can be had."""


class ServerLostError(ServerError):
    """The Prefect server stopped answering in the middle of a run: rows may be open."""

    exit_code: ClassVar[int] = 3


class LedgerError(DailiesError):
    """The ledger cannot be used."""

    exit_code: ClassVar[int] = 3


class JournalError(LedgerError):
    """A record could not be made durable. The run submits nothing more."""

    remedy = "make room on the disk, or make its folder writable"


class JournalDamagedError(JournalError):
    """A journal cannot be read to its end. No crash leaves one like this."""

    remedy = "restore it from a backup, or set it aside: dailies ledger quarantine"


class FencedError(JournalError):
    """Another run sealed this journal and took over its rows; this one must stop."""

    remedy = "let the other run end"


class MirrorError(DailiesError):
    """The mirror's target or its record cannot be used: nothing more is copied."""


class DeliveryError(DailiesError):
    """One finished video cannot be downloaded from the service's storage, or its copy cannot be stored."""

    exit_code: ClassVar[int] = 1


class ServiceError(DailiesError):
    """The service refused, or could not be reached.

    Args:
        message: what the service or the transport said.
        code: GeekHub's error code, or one of ours for transport faults.
        status: the HTTP status, None when no answer came.
        request_id: GeekHub's ``req_`` id, to quote to its support.
        in_doubt: whether the request may have been carried out although no clear answer came.
        retry_after_s: seconds the service asked us to wait, None if it did not.
    """

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        message: str,
        code: str = "",
        status: int | None = None,
        request_id: str | None = None,
        in_doubt: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = redact(message)
        self.code = code
        self.status = status
        self.request_id = request_id and redact(request_id)
        self.in_doubt = in_doubt
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message if self.request_id is None else f"{self.message} ({self.request_id})"

    def __reduce__(self) -> tuple[Any, ...]:
        facts = (self.message, self.code, self.status, self.request_id, self.in_doubt, self.retry_after_s)
        return type(self), facts


class RowRefusedError(ServiceError):
    """The request itself is wrong (400, or 404 for its model)."""


class ContentFilterError(RowRefusedError):
    """The provider's content filter refused the prompt: sending it again cannot help."""


class AccountError(ServiceError):
    """No row of this account can go on."""


class KeyRefusedError(AccountError):
    """401: the key is missing, wrong or revoked."""

    remedy = "set GEEKHUB_API_KEY to a valid key of the same account"


class BalanceEmptyError(AccountError):
    """402: the balance is used up. What is rendering may still be collected."""

    remedy = "top up the balance"


class PaceError(ServiceError):
    """429: too fast."""

    retryable = True


class TransportError(ServiceError):
    """5xx, a timeout, a lost connection, or an answer that makes no sense."""

    retryable = True


class JobNotFoundError(ServiceError):
    """404 on a poll. It may come back, and must never lead to a second job."""

    retryable = True


class JobStateError(DailiesError):
    """What a poll found, where it is not a finished video."""

    def __init__(self, job_id: str, reason: str = "") -> None:
        super().__init__(job_id, reason)
        self.job_id = job_id
        self.reason = redact(reason)

    def __str__(self) -> str:
        return f"job {self.job_id}: {self.reason}"


class JobPending(JobStateError):  # noqa: N818 - expected and benign: not an error
    """Still rendering; poll again later."""

    retryable = True


class JobFailedError(JobStateError):
    """The job failed; nothing was charged."""
