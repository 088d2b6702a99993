"""What the mirrors import, once one of them has something to write: it takes seconds.

Two mirrors' threads that import the same library at once can find it half-imported, which fails
the second. Beside another thread, one of them imports everything, and the others wait.
"""

from __future__ import annotations

import threading
from importlib import import_module

from pipeline.tracking.connection import settle

TOGETHER = ("sqlalchemy.orm", "alembic.command", "mlflow", "optuna.storages")
MLFLOW = ("mlflow.data.schema", "mlflow.store.tracking.sqlalchemy_store")
_loading = threading.Lock()


def load() -> None:
    """Import what mirrors need; in the main thread, which has nobody beside it, each its own."""
    settle()
    if threading.current_thread() is threading.main_thread():
        return
    with _loading:
        for module in TOGETHER:
            import_module(module)


def load_mlflow() -> None:
    """Import what MLflow's runs need, before there is one to write."""
    settle()
    for module in MLFLOW:
        import_module(module)
