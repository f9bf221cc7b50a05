# SPDX-License-Identifier: MIT
"""The library as it is installed, and the compiler's flags for what is linked to it."""
import re

from e2e import *


def makefile(name):
    with open(os.path.join(BUILD, "Makefile")) as f:
        found = re.search(rf"^{name} = (.*)$", f.read(), re.M)
    return found.group(1) if found else ""


CC = makefile("CC").split()
CXX = shutil.which(os.environ.get("CXX", "c++"))
# An instrumented library needs its run time first in the program.
SANITIZE = re.findall(r"-fsanitize=\S+", makefile("TP_LDFLAGS"))
NGINX = "location / { include fastcgi_params; fastcgi_pass %s; }"


def output(argv, **env):
    r = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                       env={"PATH": os.environ["PATH"], **sanitizers(), **env})
    return r.returncode, r.stdout, r.stderr


def run(argv, **kw):
    """True when it ends well; else what it said is shown."""
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if r.returncode != 0:
        print("# " + r.stdout.replace("\n", "\n# "))
    return r.returncode == 0


class Installed:
    def __init__(self, root):
        if not run(["make", "-s", "install", f"DESTDIR={root}"], cwd=BUILD):
            raise RuntimeError("make install failed")
        self.prefix = root + makefile("prefix")
        self.lib = root + makefile("libdir").replace("${exec_prefix}", makefile("prefix"))
        self.env = {"PKG_CONFIG_PATH": os.path.join(self.lib, "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": root}
        self.rpath = "-Wl,-rpath," + self.lib

    def config(self, *flags):
        rc, out, err = output(["pkg-config", *flags, "tpauth"], **self.env)
        if rc != 0:
            raise RuntimeError(err)
        return out.split()
