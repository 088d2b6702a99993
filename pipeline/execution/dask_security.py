"""Who may talk to a scheduler: the three files of TLS, checked before anybody is called.

A run that starts a scheduler of its own for other machines makes them itself, for that run alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from distributed.security import Security

from pipeline.errors import Refusal, reason_of

SCHEMES = ("tcp", "tls")
ROLES = ("scheduler", "worker", "client")


def secured(address: str, files: Mapping[str, str | None]) -> Security | None:
    """Return dask's security for an address; None where it is not encrypted.

    Args:
        address: `tcp://host:8786`, or `tls://host:8786` with all the files.
        files: The authority, the certificate and its key, by their names in conf/cluster.

    Raises:
        Refusal: The address and the files do not go together, or a file is missing or damaged.
    """
    for name, file in files.items():
        if file is not None and not Path(file).is_file():
            raise Refusal(f"cluster.{name}: there is no file {file}")
    scheme, _, rest = address.partition("://")
    if scheme not in SCHEMES or not rest:
        raise Refusal(
            f"cluster.address: {address}: begin it with tcp:// or tls://, as in tcp://host:8786"
        )
    given = [name for name, file in files.items() if file is not None]
    if scheme == "tcp":
        if given:
            raise Refusal(
                f"cluster.address: {address} is not encrypted, but cluster.{given[0]} is given; "
                f"write tls://{rest}, or leave the files out"
            )
        return None
    if missing := [name for name in files if name not in given]:
        raise Refusal(f"cluster.{missing[0]}: is missing; {address} needs {', '.join(files)}")
    try:
        security = Security(**files, require_encryption=True)
        security.get_connection_args("client")  # reads the files
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise Refusal(
            f"cluster.tls_ca_file, tls_client_cert, tls_client_key: are no authority, certificate "
            f"and key that go together ({reason_of(error)})"
        ) from error
    return security


def made_for_run(folder: Path) -> Security:
    """Return dask's security with a new certificate and key, files of `folder` that we alone read.

    Whoever has the files may work and ask for work; nobody else is talked to.

    Args:
        folder: Of one run, seen by all who take part.

    Raises:
        OSError: A file cannot be written.
    """
    made = Security.temporary()
    files = {}
    for name in ("tls_ca_file", "tls_client_cert", "tls_client_key"):
        file = folder / f"{name}.pem"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(getattr(made, name))
        files[name] = str(file)
    pair = {"cert": files["tls_client_cert"], "key": files["tls_client_key"]}
    roles = {f"tls_{role}_{name}": file for role in ROLES for name, file in pair.items()}
    return Security(tls_ca_file=files["tls_ca_file"], require_encryption=True, **roles)
