"""Creates missing work pools; never changes one."""

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from dailies.errors import SettingsError


async def make_pool(client: PrefectClient, name: str, pool_type: str) -> None:
    """Create a work pool; do nothing if it exists.

    Raises:
        SettingsError: Prefect knows no such type.
    """
    template = await get_default_base_job_template_for_infrastructure_type(pool_type)
    if template is None:
        raise SettingsError(f"Prefect knows no work pool of type {pool_type!r}.") from None
    try:
        await client.create_work_pool(WorkPoolCreate(name=name, type=pool_type, base_job_template=template))
    except ObjectAlreadyExists:
        return
