"""MLflow as a team runs it, tried on this machine: its server on PostgreSQL, with passwords.

python tests/team/services.py FOLDER     # starts both, says how to use them, and waits for Ctrl-C

PostgreSQL comes from Debian's package, its driver and what MLflow's passwords need from the package
registry into FOLDER; both listen on loopback alone. As root, PostgreSQL runs as its package's user,
who must be able to reach FOLDER.
"""

import contextlib
import getpass
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.request
from base64 import b64encode
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "slurm"))
from booted import free_ports, wait

PACKAGES = ("psycopg2-binary>=2.9", "Flask-WTF>=1.2")
USER = "postgres" if os.getuid() == 0 else getpass.getuser()
ADMIN = "admin"
AUTHORIZATION = """\
[mlflow]
default_permission = EDIT
database_uri = {database}/mlflow_auth
admin_username = {admin}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


def install() -> None:
    """See that PostgreSQL is here; Debian's package brings it.

    Raises:
        RuntimeError: It is not, and cannot be installed.
    """
    if binaries() is not None:
        return
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError("PostgreSQL is not here: apt-get install postgresql, as root")
    quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
        subprocess.run(["apt-get", "-qq", *command], check=True, **quiet)


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, of the newest version here."""
    found = [each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda each: float(each.parent.name), default=None)


class Services:
    """PostgreSQL and MLflow's server on it, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "postgres"
        self.packages = folder / "packages"
        self.password = secrets.token_urlsafe(12)
        database_port, self.port = free_ports(2)
        secret = secrets.token_urlsafe(12)
        self.database = f"postgresql+psycopg2://{USER}:{secret}@127.0.0.1:{database_port}"
        self._database_port, self._secret = database_port, secret
        self.address = f"http://127.0.0.1:{self.port}"
        self._server: subprocess.Popen[bytes] | None = None

    def environment(self, name: str = ADMIN, password: str | None = None) -> dict[str, str]:
        """Return what a person sets to write runs there."""
        return {
            "MLFLOW_TRACKING_URI": self.address,
            "MLFLOW_TRACKING_USERNAME": name,
            "MLFLOW_TRACKING_PASSWORD": password or self.password,
        }

    def start(self) -> None:
        """Make a database, start it and the server, and wait until it answers."""
        if not self.packages.exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
            dependencies = ["WTForms>=3"]  # of Flask-WTF; MLflow brings the rest
            subprocess.run([*pip, self.packages, *PACKAGES, *dependencies], check=True)
        self.data.mkdir(mode=0o700)
        shutil.chown(self.data, USER)
        secret = self.data.with_name("secret")
        secret.touch(mode=0o600)
        secret.write_text(self._secret)
        shutil.chown(secret, USER)
        self._postgres("initdb", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync")
        secret.unlink()
        settings = (
            f"-c listen_addresses=127.0.0.1 -p {self._database_port} -c unix_socket_directories="
        )
        log = self.data / "log"
        self._postgres("pg_ctl", "start", "--wait", f"--log={log}", f"--options={settings}")
        where = ("--host=127.0.0.1", f"--port={self._database_port}")
        for name in ("mlflow", "mlflow_auth"):
            self._run("createdb", *where, name, PGPASSWORD=self._secret)
        self.start_server()

    def start_server(self) -> None:
        """Start MLflow's server, its secrets in a file and the environment alone."""
        rules = self.folder / "authorization.ini"
        rules.touch(mode=0o600)
        rules.write_text(
            AUTHORIZATION.format(database=self.database, admin=ADMIN, password=self.password)
        )
        environment = os.environ | {
            "PYTHONPATH": str(self.packages),
            "MLFLOW_AUTH_CONFIG_PATH": str(rules),
            "MLFLOW_BACKEND_STORE_URI": f"{self.database}/mlflow",
            "MLFLOW_ARTIFACTS_DESTINATION": str(self.folder / "artifacts"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self._secret,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
                    *("--host", "127.0.0.1", "--port", str(self.port), "--workers", "2"),
                ],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait(self.answers, 120, self.story)

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask("experiments/get?experiment_id=0")["experiment"] is not None
        return False

    def ask(self, what: str, **said: str) -> dict[str, object]:
        """Ask MLflow's server as its administrator."""
        pair = b64encode(f"{ADMIN}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"{self.address}/api/2.0/mlflow/{what}",
            data=json.dumps(said).encode() if said else None,
            headers={"Authorization": f"Basic {pair}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))

    def person(self, name: str) -> dict[str, str]:
        """Let somebody in, and return what they set."""
        password = secrets.token_urlsafe(12)
        self.ask("users/create", username=name, password=password)
        return self.environment(name, password)

    def kill_server(self) -> None:
        """End the server and its workers at once, as a power cut does."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            self._server = None

    def stop(self) -> None:
        """End the server and the database."""
        self.kill_server()
        pid = self.data / "postmaster.pid"
        if pid.exists():
            database = psutil.Process(int(pid.read_text().split()[0]))
            database.send_signal(signal.SIGINT)  # its fast shutdown
            database.wait(30)

    def story(self) -> str:
        """Return what the server said last."""
        return (self.folder / "server.log").read_text()[-3000:]

    def _postgres(self, program: str, *words: str) -> None:
        self._run(program, *words, PGDATA=str(self.data))

    def _run(self, program: str, *words: str, **environment: str) -> None:
        folder = binaries()
        assert folder is not None
        log = self.folder / "postgres.log"
        with log.open("ab") as said:
            done = subprocess.run(
                [folder / program, *words],
                cwd="/",
                env=os.environ | environment,
                stdout=said,
                stderr=said,
                check=False,
                user=USER,
            )
        assert done.returncode == 0, f"{program}: {log.read_text()[-2000:]}"


def main() -> None:
    install()
    folder = Path(sys.argv[1]).resolve()
    if (folder / "postgres" / "postmaster.pid").exists():
        sys.exit(f"{folder}: its PostgreSQL is running; end what started it first")
    if folder.exists() and any(folder.iterdir()) and not (folder / "postgres").exists():
        sys.exit(f"{folder}: holds something else; name a folder that is not there")
    shutil.rmtree(folder, ignore_errors=True)  # a trial begins anew
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    services = Services(folder)
    try:
        services.start()
        for name, value in services.person(getpass.getuser()).items():
            print(f"export {name}={value}")
        print(f"# {services.address}: {ADMIN}, {services.password}; Ctrl-C ends it", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print()
    finally:
        services.stop()


if __name__ == "__main__":
    main()
