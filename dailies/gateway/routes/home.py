"""GET /: a page for a person in a browser, with the account and the latest jobs."""

from datetime import UTC, datetime
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from dailies.gateway.accounts.accounts import read_balance, read_consumed, read_fx
from dailies.gateway.accounts.money import MICROS, to_text
from dailies.gateway.gateway import Gateway
from dailies.gateway.jobs.jobs import StoredJob, count_jobs, latest_jobs
from dailies.gateway.routes.videos import video_url

SHOWN_JOBS = 50
# The page loads nothing from elsewhere and runs nothing, whatever a prompt says.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dailies sandbox</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem }} dd {{ margin: 0 }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem; border-top: 1px solid #ccc }}
td {{ overflow-wrap: anywhere }} video {{ width: 14rem; max-height: 12rem; background: #000 }}
</style>
<h1>Dailies sandbox</h1>
<p>This is not GeekHub. It is a stand-in that speaks the same video API on this machine, with real videos and no money.
Its base URL is <code>{base_url}/v1</code>; the key is in <code>connection.json</code> in its data folder.</p>
<dl>{facts}</dl>
<h2>Latest jobs</h2>
<p>This page moves no job: a job moves when a client polls it.</p>
{jobs}
</html>
"""


def home_routes(gateway: Gateway) -> APIRouter:
    """Return the page's route."""
    routes = APIRouter(tags=["sandbox"])

    @routes.get("/", response_class=HTMLResponse)
    async def read_home() -> HTMLResponse:
        """Show the account and the latest jobs, without a key: the page is for the person at this machine."""
        return HTMLResponse(draw_page(gateway), headers=HEADERS)

    return routes


def draw_page(gateway: Gateway) -> str:
    """Draw the page of the first organisation, as HTML."""
    counts = count_jobs(gateway.store, gateway.org_id)
    facts = {
        "Balance": f"{to_text(read_balance(gateway.store, gateway.org_id))} MXN",
        "Consumed": f"{to_text(read_consumed(gateway.store, gateway.org_id))} MXN",
        "Exchange rate": f"{to_text(read_fx(gateway.store))} MXN per USD",
        "Speed": f"{gateway.options.speed:g} times faster than real",
        "Jobs": ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none yet",
        "Faults": f"{len(gateway.faults.triggers)} in the script",
    }
    return PAGE.format(
        base_url=escape(gateway.base_url),
        facts="".join(f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items()),
        jobs=_draw_jobs(latest_jobs(gateway.store, gateway.org_id, SHOWN_JOBS), gateway.videos_url),
    )


def _draw_jobs(jobs: list[StoredJob], base_url: str) -> str:
    if not jobs:
        return "<p>None yet.</p>"
    rows = "\n".join(_draw_job(job, base_url) for job in jobs)
    head = "<tr><th>No.</th><th>Submitted (UTC)</th><th>Model</th><th>Prompt</th><th>State</th><th>Video</th></tr>"
    return f"<table>\n{head}\n{rows}\n</table>"


def _draw_job(job: StoredJob, base_url: str) -> str:
    submitted = datetime.fromtimestamp(job.created_us / MICROS, UTC).strftime("%Y-%m-%d %H:%M:%S")
    url = video_url(job, base_url)
    video = "" if url is None else f'<video controls preload="none" src="{escape(url.removeprefix(base_url))}"></video>'
    state = job.status if job.error is None else f"{job.status}: {job.error}"
    cells = [str(job.number), submitted, f"{job.model}, {job.duration_s} s", job.prompt, state]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + f"<td>{video}</td></tr>"
