"""What ``--json`` says: plans and outcomes as plain values, amounts as decimal text. Pure."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from dailies.ledger.entry import LedgerEntry
from dailies.planning.outcome import Outcome, RowOutcome
from dailies.planning.plan import Plan
from dailies.pricing import ZERO
from dailies.prompts.reader import RejectedRow
from dailies.report.plan_breakdown import PricedCell, find_duplicates, price_cells
from dailies.report.summary import cost_by_model

Facts = dict[str, Any]


def worst_by_model(plan: Plan) -> list[Facts]:
    """Videos, seconds and worst case in MXN for each model that a plan would use, by name."""
    groups: dict[str, list[LedgerEntry]] = defaultdict(list)
    for row in plan.todo:
        groups[row.entry.model or "?"].append(row.entry)
    return [
        {
            "model": model,
            "videos": len(entries),
            "seconds": sum(entry.duration_s or 0 for entry in entries),
            "worst_mxn": sum((entry.worst_mxn or ZERO for entry in entries), ZERO),
        }
        for model, entries in sorted(groups.items())
    ]


def plan_facts(plan: Plan, service: str) -> Facts:
    """A plan: rows by what happens to them, and the money."""
    prompts, bought = plan.prompts, plan.bought
    return {
        "source": prompts.source,
        "service": service,
        "rows": len(prompts.rows) + len(prompts.rejected),
        "records": prompts.record_count,
        "to_do": len(plan.todo),
        "to_do_by_model": [{**row, "worst_mxn": str(row["worst_mxn"])} for row in worst_by_model(plan)],
        "to_do_by_cell": [_cell_facts(cell) for cell in price_cells(plan)],
        "duplicates": [
            {"places": duplicate.places, "shared": duplicate.shared} for duplicate in find_duplicates(prompts)
        ],
        "worst_mxn": str(plan.worst_mxn),
        "resumed": plan.resumed,
        "bought": len(bought),
        "bought_mxn": str(sum((entry.charged_mxn or ZERO for entry in bought), ZERO)),
        "failed": len(plan.finished) - len(bought),
        "elsewhere": len(plan.elsewhere),
        "in_doubt": len(plan.held),
        "beyond_the_cap": len(plan.left),
        "rejected": [_rejected_facts(row) for row in prompts.rejected],
        "charged_this_month_mxn": str(plan.charged_month_mxn),
        "open_mxn": str(plan.open_mxn),
    }


def outcome_facts(outcome: Outcome, results: str) -> Facts:
    """A file as it stands: the counts, the money, and every row."""
    sheets = {sheet.source: number for number, sheet in enumerate(outcome.prompts.sheets)}
    rows = [_row_facts(row) for row in outcome.rows] + [_rejected_facts(row) for row in outcome.prompts.rejected]
    return {
        "source": outcome.prompts.source,
        "verdict": str(outcome.verdict),
        "exit_code": outcome.exit_code,
        "completed": outcome.completed,
        "failed": len(outcome.failed) + len(outcome.prompts.rejected),
        "open": outcome.open,
        "charged_mxn": str(outcome.charged_mxn),
        "unknown_charges": outcome.unknown_charges,
        "by_model": cost_by_model(outcome.entries()),
        "results": results,
        "rows": sorted(rows, key=lambda row: (sheets.get(row["source"], 0), row["line"])),
    }


def _cell_facts(cell: PricedCell) -> Facts:
    amounts = {"each_mxn": str(cell.each_mxn), "worst_mxn": str(cell.worst_mxn)}
    return {**asdict(cell), **amounts}


def _row_facts(row: RowOutcome) -> Facts:
    entry = row.entry
    charged = entry.charged_mxn if entry else None
    return {
        "source": row.row.source,
        "line": row.row.source_line,
        "id": row.row.prompt_id,
        "status": str(row.status) if row.status else None,
        "video_url": entry.video_url if entry else None,
        "reason": row.reason or None,
        "charged_mxn": None if charged is None else str(charged),
        "job_id": entry.job_id if entry else None,
        "row_key": row.row.row_key,
    }


def _rejected_facts(row: RejectedRow) -> Facts:
    return {
        "source": row.source,
        "line": row.source_line,
        "id": row.prompt_id,
        "status": "rejected",
        "reason": "; ".join(str(error) for error in row.errors),
        "row_key": row.row_key,
    }
