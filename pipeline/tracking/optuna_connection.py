"""Where the database of optuna-dashboard is, and what to say when it is not there.

NORMBENCH_OPTUNA names a database by its SQLAlchemy URL; without it, trials go
to optuna.db in the current folder. Optuna is imported here and below, only
when a mirror is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.tracking.connection import tracking_uri
from pipeline.tracking.one_writer import lock_file, sqlite_file
from pipeline.tracking.outage import MirrorUnreachable, shown, unreachable

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

LOCAL_STORAGE = "sqlite:///optuna.db"


def storage_url() -> str:
    """Return where trials are mirrored to.

    Raises:
        MirrorUnreachable: It is MLflow's database: their migrations would take each other's
            tables for their own.
    """
    url = os.environ.get("NORMBENCH_OPTUNA") or LOCAL_STORAGE
    if lock_file(url) == lock_file(tracking_uri()):
        raise MirrorUnreachable(
            f"Optuna at {shown(url)}: this is MLflow's database, name another with NORMBENCH_OPTUNA"
        )
    return url


@contextmanager
def opened(url: str) -> Iterator[RDBStorage]:
    """Hand out the storage, its tables made where they are missing, and close it.

    Raises:
        MirrorUnreachable: Instead of what Optuna and its database raise;
            everything else is a mistake of ours and passes.
    """
    import optuna
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    # a file's connections are closed after each use: where opening fails, nobody closes a pool
    pooled = {} if sqlite_file(url) is None else {"poolclass": NullPool}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = optuna.storages.RDBStorage(url, engine_kwargs=pooled)
    except (SQLAlchemyError, StorageInternalError, OSError) as error:
        raise unreachable("Optuna", url, error) from error
    except (ImportError, RuntimeError) as error:  # no driver; tables of another version of Optuna
        raise unreachable("Optuna", url, error) from error
    try:
        yield storage
    except StorageInternalError as error:
        raise unreachable("Optuna", url, error.__cause__ or error) from error
    except (SQLAlchemyError, OSError) as error:
        raise unreachable("Optuna", url, error) from error
    finally:
        storage.remove_session()
        storage.engine.dispose()
