"""A PostgreSQL and a MariaDB of their own, on loopback and on free ports, as tests need them.

As a script: ``tests/databases.py start FOLDER`` leaves them running and prints how they are reached, as environment
variables; ``tests/databases.py stop FOLDER`` ends them and removes the folder. The system's own services are not
touched. Both servers are Debian's packages `postgresql` and `mariadb-server`.
"""

from __future__ import annotations

import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import asdict, frozen

NAME = USER = "sisyphus"
PASSWORD = "s3cret:p@ss/w%rd"  # with everything that has to be escaped in a URL
READY = 30.0  # seconds; they take some two
_STATE = "servers.json"


@frozen(kw_only=True)
class Server:
    """A server that runs: who it is, where it listens, and the process that is to be ended."""

    type: str
    port: int
    pid: int
    host: str = "127.0.0.1"
    user: str = USER
    password: str = PASSWORD
    database: str = NAME

    @property
    def spec(self) -> dict[str, object]:
        """The database map of a case file."""
        return {key: value for key, value in asdict(self).items() if key != "pid"}


@frozen(kw_only=True)
class Servers:
    postgresql: Server
    mariadb: Server

    def environment(self) -> dict[str, str]:
        """How examples find the servers."""
        both = {"PG": self.postgresql, "MYSQL": self.mariadb}
        values = {
            f"DEMO_{name}_{key.upper()}": str(value) for name, one in both.items() for key, value in one.spec.items()
        }
        return {key: value for key, value in values.items() if not key.endswith("_TYPE")}


def dumps(servers: Servers) -> str:
    return json.dumps(asdict(servers))


class MissingError(Exception):
    """A server is not installed; the text says what to install."""


def _program(package: str, *patterns: str) -> str:
    for pattern in patterns:
        found = shutil.which(pattern) or next(iter(sorted(glob.glob(pattern), reverse=True)), None)  # noqa: PTH207
        if found is not None:
            return found
    raise MissingError(f"{patterns[0]} is not there: apt-get install {package}")


def _as_user(name: str) -> list[str]:
    """Neither server runs as root; and neither outlives whoever started it with this in front."""
    if os.getuid() != 0:
        return ["setpriv", "--pdeathsig", "TERM"]
    return [
        "setpriv",
        f"--reuid={name}",
        f"--regid={pwd.getpwnam(name).pw_gid}",
        "--clear-groups",
        "--pdeathsig",
        "TERM",
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str], log: Path) -> None:
    with log.open("ab") as out:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False, cwd=log.parent)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{log.read_text(errors='replace')[-3000:]}")


def _spawn(command: list[str], log: Path, *, detached: bool) -> subprocess.Popen[bytes]:
    if detached:  # the script ends, the server stays
        command = [word for word in command if word not in {"--pdeathsig", "TERM"}]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, start_new_session=True
        )
    process.returncode = 0  # it is ended by its pid, maybe from elsewhere; the object need not warn that it runs
    return process


def _owned(folder: Path, user: str) -> Path:
    folder.mkdir(mode=0o700)
    if os.getuid() == 0:
        shutil.chown(folder, user)
    return folder


@frozen(kw_only=True)
class _Prepared:
    """A server whose data folder is there; `ping` is a command that succeeds once it answers."""

    type: str
    port: int
    command: list[str]
    log: Path
    ping: list[str]

    def begin(self, *, detached: bool) -> Server:
        return Server(type=self.type, port=self.port, pid=_spawn(self.command, self.log, detached=detached).pid)

    def wait(self, server: Server) -> Server:
        began = time.monotonic()
        while subprocess.run(self.ping, capture_output=True, check=False).returncode:
            if time.monotonic() - began > READY or _is_dead(server.pid):
                raise RuntimeError(f"{self.type} does not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        return server


def _prepare_postgresql(folder: Path) -> _Prepared:
    binaries = Path(_program("postgresql", "/usr/lib/postgresql/*/bin/initdb")).parent
    home, log = _owned(folder / "postgresql", "postgres"), folder / "postgresql.log"
    secret = home / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data, port = home / "data", _free_port()
    as_user = _as_user("postgres")
    _run([*as_user, str(binaries / "initdb"), "-D", str(data), "-U", USER, "--pwfile", str(secret), "--auth=scram-sha-256",
          "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C"], log)  # fmt: skip
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off",
        "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "16MB", "max_connections": 60,
        "autovacuum": "off", "timezone": "UTC", "lc_messages": "C",
    }  # fmt: skip
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    command = [*as_user, str(binaries / "postgres"), "-D", str(data), *options]
    ping = [str(binaries / "psql"), f"host=127.0.0.1 port={port} user={USER} dbname=postgres", "-c",
            f"create database {NAME}"]  # fmt: skip
    ping = ["env", f"PGPASSWORD={PASSWORD}", *ping]
    return _Prepared(type="postgresql", port=port, command=command, log=log, ping=ping)


def _prepare_mariadb(folder: Path) -> _Prepared:
    install = _program("mariadb-server", "mariadb-install-db")
    server = _program("mariadb-server", "mariadbd", "/usr/sbin/mariadbd")
    client = _program("mariadb-server", "mariadb")
    home, log, port = _owned(folder / "mariadb", "mysql"), folder / "mariadb.log", _free_port()
    data, users = home / "data", home / "users.sql"
    users.write_text(  # one statement a line, as the server wants it
        f"create database {NAME} character set utf8mb4;\n"
        f"create user {USER}@'%' identified by '{PASSWORD}';\n"
        f"grant all on {NAME}.* to {USER}@'%';\n"
        f"grant process on *.* to {USER}@'%';\n"
    )
    users.chmod(0o644)
    as_user = _as_user("mysql")
    _run([*as_user, install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
          "--skip-test-db", "--skip-name-resolve"], log)  # fmt: skip
    command = [
        *as_user, server, "--no-defaults", f"--datadir={data}", f"--socket={home / 's'}", f"--pid-file={home / 'pid'}",
        "--bind-address=127.0.0.1", f"--port={port}", f"--init-file={users}", "--innodb-buffer-pool-size=16M",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-log-file-size=4M",
        "--skip-name-resolve", "--skip-log-bin", "--max-connections=60", "--lc-messages=en_US",
    ]  # fmt: skip
    ping = [client, "--no-defaults", "-h127.0.0.1", f"-P{port}", f"-u{USER}", NAME, "-e", "select 1"]
    ping = ["env", f"MYSQL_PWD={PASSWORD}", *ping]
    return _Prepared(type="mysql", port=port, command=command, log=log, ping=ping)


def _end(server: Server) -> None:
    """PostgreSQL's processes end each other at SIGQUIT; MariaDB is one process, and nobody needs what it would write."""
    for number in (signal.SIGQUIT, signal.SIGKILL) if server.type == "postgresql" else (signal.SIGKILL,):
        with suppress(ProcessLookupError):
            os.kill(server.pid, number)
        if _is_gone(server.pid):
            return


def _is_gone(pid: int) -> bool:
    for _ in range(100):
        if _is_dead(pid):
            return True
        time.sleep(0.02)
    return False


def _is_dead(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def start(folder: Path, *, detached: bool = False) -> Servers:
    """Starts both servers in a new folder, side by side; some four seconds.

    Raises:
        MissingError: one of them is not installed.
    """
    folder.mkdir(mode=0o755)
    with ThreadPoolExecutor() as pool:
        prepared = list(pool.map(lambda prepare: prepare(folder), (_prepare_postgresql, _prepare_mariadb)))
    # Not in those threads: to `--pdeathsig` the thread that begins a process is its parent.
    begun = [one.begin(detached=detached) for one in prepared]
    try:
        postgresql, mariadb = [one.wait(server) for one, server in zip(prepared, begun, strict=True)]
    except BaseException:
        for server in begun:
            _end(server)
        raise
    servers = Servers(postgresql=postgresql, mariadb=mariadb)
    (folder / _STATE).write_text(dumps(servers))
    return servers


def stop(folder: Path) -> None:
    """Ends what `start` began in this folder, and removes it."""
    for written in json.loads((folder / _STATE).read_text()).values():
        _end(Server(**written))
    shutil.rmtree(folder)


@contextmanager
def running() -> Iterator[Servers]:
    """Both servers, for as long as the block lasts.

    Raises:
        MissingError: one of them is not installed.
    """
    # Not pytest's own folder: no other user may look into that.
    above = Path(tempfile.mkdtemp(prefix="sisyphus-databases-"))
    above.chmod(0o755)
    try:
        servers = start(above / "servers")
        try:
            yield servers
        finally:
            stop(above / "servers")
    finally:
        shutil.rmtree(above, ignore_errors=True)


def main(args: list[str]) -> int:
    match args:
        case ["start", folder]:
            try:
                servers = start(Path(folder).absolute(), detached=True)
            except MissingError as exc:
                print(exc, file=sys.stderr)
                return 1
            for key, value in servers.environment().items():
                print(f"export {key}='{value}'")
        case ["stop", folder]:
            stop(Path(folder).absolute())
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
