# SPDX-License-Identifier: Apache-2.0
"""postgres.py - a PostgreSQL of the test's own: in a temporary folder, on a socket in it, ended by its pid."""
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time


class Missing(Exception):
    """Not on this machine."""


def programs():
    """Debian keeps them outside PATH, by version."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]), reverse=True)
    for folder in map(pathlib.Path, [*folders, *os.environ.get("PATH", "").split(":")]):
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready", "psql")):
            return folder
    raise Missing("postgresql is not installed (scripts/setup.sh interop)")


class Postgres:
    """PostgreSQL refuses to run as root: there it runs as the user that Debian's package has made."""

    def __init__(self):
        self.bin = programs()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="otter-pg-"))
        self.process = None
        self.as_user = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        try:
            self.run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", "otter", "--no-instructions")
            self.start()
        except BaseException:
            self.remove()
            raise

    def run(self, name, *words):
        done = subprocess.run([*self.as_user, self.bin / name, *words], cwd=self.folder, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"{name}: {done.stderr}")
        return done.stdout

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*self.as_user, self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder,
                                             "-c", "listen_addresses=", "-c", "max_connections=50"],
                                            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(300):
            if subprocess.run([self.bin / "pg_isready", "-q", "-h", self.folder, "-U", "otter"], check=False).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("PostgreSQL does not start: " + (self.folder / "log").read_text()[-500:])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # connections are ended, what was committed is kept
            self.process.wait(timeout=60)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, name):
        """Make an empty one; its URL."""
        self.query(f"CREATE DATABASE {name}", "postgres")
        return f"postgresql:///{name}?host={self.folder}&user=otter"

    def query(self, sql, database):
        """Rows as lists of texts."""
        out = self.run("psql", "-h", self.folder, "-U", "otter", "-d", database, "-X", "-A", "-t", "-F", "|", "-v", "ON_ERROR_STOP=1", "-c", sql)
        return [line.split("|") for line in out.splitlines()]
