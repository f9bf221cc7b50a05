# SPDX-License-Identifier: MIT
"""A real browser for the end-to-end tests: Chromium, driven by a program of tests/browser with
playwright-core, which npm installs below the build folder."""
import json
import os
import shutil
import subprocess

from e2e import BUILD, SRC, ok

PROGRAMS = os.path.join(SRC, "tests", "browser")
MODULES = os.path.join(BUILD, "browser")


def installed(name):
    """Its version; None: it is not."""
    try:
        with open(os.path.join(MODULES, "node_modules", name, "package.json")) as f:
            return json.load(f)["version"]
    except FileNotFoundError:
        return None


def install():
    """Once for the versions that package.json pins."""
    with open(os.path.join(PROGRAMS, "package.json")) as f:
        wanted = json.load(f)["dependencies"]
    if all(installed(name) == version for name, version in wanted.items()):
        return
    os.makedirs(MODULES, exist_ok=True)
    shutil.copy(os.path.join(PROGRAMS, "package.json"), MODULES)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
                   cwd=MODULES, check=True, stdout=subprocess.DEVNULL)


def play(site, program, *args, seconds=300, **env):
    """Runs tests/browser/PROGRAM and reports what it claims. One that ends early is a failure."""
    scratch = site.path("browser")
    os.makedirs(scratch, exist_ok=True)
    claims = 0
    p = subprocess.Popen(["timeout", str(seconds), "node", os.path.join(PROGRAMS, program), *args],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env={**os.environ, "BROWSER_MODULES": MODULES, "TMPDIR": scratch, "HOME": scratch, **env})
    out, err = p.communicate()
    for line in out.splitlines():
        claim = json.loads(line)
        ok(claim["ok"], claim["name"], claim["detail"])
        claims += 1
    ok(p.returncode == 0 and claims > 0, f"{program} {' '.join(args[2:])} played to its end", err[-2000:])
