# SPDX-License-Identifier: Apache-2.0
"""npm.py - packages from npm, each in its own folder of $OTTER_CACHE, fetched on first use."""
import os
import shutil
import subprocess


class Skipped(Exception):
    """Not on this machine."""


def program(*names):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise Skipped("%s is not installed (scripts/setup.sh interop)" % names[0])


def package(name, version):
    """The folder whose node_modules holds it. Two runs at once are well: the first one's folder stays."""
    cache = os.environ.get("OTTER_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "otter")
    folder = os.path.join(cache, "%s-%s" % (name, version))
    if os.path.exists(os.path.join(folder, "node_modules", name)):
        return folder
    aside = "%s.%d" % (folder, os.getpid())
    try:
        os.makedirs(aside)
    except OSError as why:
        raise Skipped("%s has no place: %s" % (name, why)) from why
    done = subprocess.run([program("npm"), "install", "--prefix", aside, "--no-audit", "--no-fund", "--ignore-scripts",
                           "--loglevel=error", "%s@%s" % (name, version)], capture_output=True, timeout=240, check=False)
    if done.returncode != 0:
        shutil.rmtree(aside, ignore_errors=True)
        last = done.stderr.decode(errors="replace").strip().splitlines() or ["npm failed"]
        raise Skipped("npm cannot install %s: %s" % (name, last[-1]))
    try:
        os.rename(aside, folder)
    except OSError:  # another run was faster
        shutil.rmtree(aside, ignore_errors=True)
    return folder
