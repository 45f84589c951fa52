"""Plans and outcomes as plain values for ``--json``; amounts are decimal text. Pure."""

from dataclasses import asdict
from typing import Any

from dailies.planning.approval import digest_rows
from dailies.planning.outcome import Outcome, RowOutcome
from dailies.planning.plan import Plan
from dailies.prompts.reader import RejectedRow
from dailies.report.plan_breakdown import PricedCell, find_duplicates, price_cells
from dailies.report.summary import cost_by_model
from dailies.report.totals import sum_up, worst_by_model

Facts = dict[str, Any]


def plan_facts(plan: Plan, service: str) -> Facts:
    """Describe a plan: rows by what happens to them, and the money."""
    prompts, bought = plan.prompts, plan.bought
    by_model = worst_by_model(row.entry for row in plan.todo)
    return {
        "source": prompts.source,
        "service": service,
        "rows": len(prompts.rows) + len(prompts.rejected),
        "records": prompts.record_count,
        "to_do": len(plan.todo),
        "to_do_by_model": [{**asdict(total), "worst_mxn": str(total.worst_mxn)} for total in by_model],
        "to_do_by_cell": [_cell_facts(cell) for cell in price_cells(plan)],
        "duplicates": [
            {"places": duplicate.places, "shared": duplicate.shared} for duplicate in find_duplicates(prompts)
        ],
        "worst_mxn": str(plan.worst_mxn),
        "approved_rows": list(digest_rows(prompts)),
        "resumed": plan.resumed,
        "bought": len(bought),
        "bought_mxn": str(sum_up("bought", bought).charged_mxn),
        "failed": len(plan.finished) - len(bought),
        "elsewhere": len(plan.elsewhere),
        "in_doubt": len(plan.held),
        "beyond_the_cap": len(plan.left),
        "rejected": [_rejected_facts(row) for row in prompts.rejected],
        "charged_this_month_mxn": str(plan.charged_month_mxn),
        "open_mxn": str(plan.open_mxn),
    }


def outcome_facts(outcome: Outcome, results: str) -> Facts:
    """Describe the present state of a file: the counts, the money, and every row."""
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
