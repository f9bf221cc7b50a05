#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installing: `make uninstall` takes away what `make install` brought, and Debian's packages, built by
Debian's own tools from what `make dist` packs, are what lintian accepts and what they should be when
they are installed, upgraded, removed and purged. That is done in a throw-away root: all of the machine,
with everything that is written kept aside."""
import glob
import re

from e2e import *

CONF = "etc/tpauth/tpauth.conf"


def run(*argv, **kw):
    return subprocess.run(argv, **{"capture_output": True, "text": True, "timeout": 600} | kw)


def make(*words):
    r = run("make", "-C", BUILD, "-s", *words)
    return ok(r.returncode == 0, "make " + words[0], r.stdout[-2000:] + r.stderr[-2000:])


def files(root):
    """All that is no folder, below root."""
    return sorted(os.path.relpath(os.path.join(d, f), root) for d, subs, names in os.walk(root)
                  for f in names + [s for s in subs if os.path.islink(os.path.join(d, s))])


def install_and_uninstall(top):
    root = os.path.join(top, "root")
    make("install", f"DESTDIR={root}")
    r = run(os.path.join(SRC, "tests", "check-installed.sh"), root, BUILD)
    ok(r.returncode == 0, "make install: all is there, and runs", r.stdout + r.stderr)
    make("uninstall", f"DESTDIR={root}")
    same(files(root), [], "make uninstall: nothing is left")


def build(top):
    """The packages by name; none where they cannot be built."""
    source = os.path.join(top, "tpauth")
    make("distdir", f"distdir={source}")
    env = {**os.environ, "DEB_BUILD_OPTIONS": "nocheck parallel=2"}
    for name in ("MAKEFLAGS", "MAKELEVEL", "CFLAGS", "LDFLAGS", "ASAN_OPTIONS"):
        env.pop(name, None)
    r = run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=source, env=env)
    ok(r.returncode == 0, "dpkg-buildpackage", (r.stdout + r.stderr)[-3000:])
    r = run("lintian", "--allow-root", "--no-cfg", "--fail-on", "error", *glob.glob(f"{top}/*.changes"))
    ok(r.returncode == 0, "lintian: no errors", r.stdout + r.stderr)
    return {os.path.basename(d).split("_")[0]: d for d in glob.glob(f"{top}/*.deb")}


def look_into(top, debs):
    roots = {}
    for name, deb in debs.items():
        roots[name] = os.path.join(top, "x", name)
        os.makedirs(roots[name])
        run("dpkg-deb", "-x", deb, roots[name])
    inside = {name: files(root) for name, root in roots.items()}
    for name, patterns in CONTENTS.items():
        missing = [p for p in patterns if not any(re.fullmatch(p, f) for f in inside.get(name, []))]
        same(missing, [], f"{name}: what should be in it")
    shipped = [f for name, of in inside.items() for f in of if not name.endswith("-dbgsym")]
    same(sorted({f for f in shipped if shipped.count(f) > 1}), [], "no file is in two packages")
    # What `make install` brings is in one of them.
    root = os.path.join(top, "tpauth", "debian", "tmp")
    same([f for f in files(root) if f not in shipped and f + ".gz" not in shipped], [], "what make install brings is in the packages")
    special = [f"{name}: {f}" for name, root in roots.items() for f in files(root)
               if not os.path.islink(os.path.join(root, f)) and os.stat(os.path.join(root, f)).st_mode & 0o7022]
    same(special, [], "nothing is set-uid, or for others to write")
    fields = run("dpkg-deb", "-f", debs["tpauth-modules"], "Depends", "Recommends").stdout
    needs, likes = (re.search(f"^{w}: (.*)", fields, re.M).group(1) for w in ("Depends", "Recommends"))
    ok("libjwt" in likes and "libjwt" not in needs, "the library of a module is recommended, not needed", fields)


CONTENTS = {
    "tpauth": [r"etc/tpauth/tpauth\.conf", r"usr/bin/tpauth", r"usr/sbin/tpauth-grpcd", r"usr/lib/[^/]+/tpauth/tpauth\.fcgi",
               r"usr/lib/tpauth/tpauth\.fcgi", r"usr/lib/tpauth/tpauth\.cgi",
               r"(usr/)?lib/systemd/system/tpauth\.service", r"(usr/)?lib/systemd/system/tpauth\.socket",
               r"(usr/)?lib/systemd/system/tpauth-grpcd\.service", r"usr/share/man/man1/tpauth\.1\.gz",
               r"usr/share/man/man5/tpauth\.conf\.5\.gz", r"usr/share/man/man8/tpauth\.fcgi\.8\.gz",
               r"usr/share/man/man8/tpauth-grpcd\.8\.gz", r"usr/share/tpauth/refresh\.proto"],
    "tpauth-modules": [r"usr/lib/[^/]+/tpauth/tpauth_grpc\.so", r"usr/lib/[^/]+/tpauth/tpauth_libjwt\.so"],
    "libtpauth0": [r"usr/lib/[^/]+/libtpauth\.so\.0", r"usr/lib/[^/]+/libtpauth\.so\.0\.0\.0"],
    "libtpauth-dev": [r"usr/include/tpauth\.h", r"usr/lib/[^/]+/libtpauth\.so", r"usr/lib/[^/]+/libtpauth\.a",
                      r"usr/lib/[^/]+/pkgconfig/tpauth\.pc", r"usr/share/man/man3/libtpauth\.3\.gz"],
    "tpauth-doc": [r"usr/share/doc/tpauth/examples/lighttpd-conf/fastcgi\.conf",
                   r"usr/share/doc/tpauth/examples/nginx-conf/responder\.conf",
                   r"usr/share/doc/tpauth/examples/apache-conf/mod_fcgid\.conf", r"usr/share/doc/tpauth/README\.md"],
}


class Root:
    """The machine as it is; what is written to it goes to memory. For root alone: enter() comes first. Its own folder
    is never removed with what is in it: as long as something is mounted there, that may be the machine's."""

    @staticmethod
    def enter():
        """Goes on in mounts of our own, that end with this process. False: not without the right to mount."""
        if os.environ.get("TPAUTH_OWN_MOUNTS"):
            return True
        start = ["unshare", "-m", "--propagation", "private"]
        if os.geteuid() != 0 or run(*start, "true").returncode != 0:
            return False
        os.environ["TPAUTH_OWN_MOUNTS"] = "yes"
        os.execvp(start[0], [*start, sys.executable, *sys.argv])

    def __init__(self):
        self.top = tempfile.mkdtemp()
        self.at = os.path.join(self.top, "root")
        # An overlay's upper folder cannot be on another overlay.
        self.mount("-t", "tmpfs", "none", self.top)
        for name in ("upper", "work", "root"):
            os.mkdir(os.path.join(self.top, name))
        self.mount("-t", "overlay", "overlay", "-o",
                   f"lowerdir=/,upperdir={self.top}/upper,workdir={self.top}/work", self.at)
        self.mount("--rbind", "/dev", self.at + "/dev")
        self.mount("-t", "proc", "proc", self.at + "/proc")

    def close(self):
        subprocess.run(["umount", "-R", self.top], check=True)
        os.rmdir(self.top)

    def mount(self, *words):
        subprocess.run(["mount", *words], check=True)

    def run(self, *argv):
        return run("chroot", self.at, "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *argv,
                   stdin=subprocess.DEVNULL)

    def dpkg(self, what, *words):
        r = self.run("dpkg", *words)
        return ok(r.returncode == 0, f"throw-away root: {what}", r.stdout + r.stderr)

    def take(self, deb):
        """The path of a copy, as it is named inside."""
        shutil.copy(deb, self.at + "/root/")
        return "/root/" + os.path.basename(deb)

    def mode(self, path):
        """Owner, group and mode, or None."""
        r = self.run("stat", "-c", "%U:%G %a", "/" + path)
        return r.stdout.strip() if r.returncode == 0 else None

    def read(self, path):
        with open(os.path.join(self.at, path)) as f:
            return f.read()

    def write(self, path, text):
        with open(os.path.join(self.at, path), "a") as f:
            f.write(text)


def again(top, deb, version, conf=""):
    """The package with a higher version, and with more in its settings."""
    to = os.path.join(top, "again-" + version)
    run("dpkg-deb", "-R", deb, to)
    for path, old, new in ((f"{to}/DEBIAN/control", r"(?m)^Version: .*", f"Version: {version}"),
                           (f"{to}/{CONF}", r"\Z", conf)):
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(re.sub(old, new, text))
    run("dpkg-deb", "-b", to, to + ".deb")
    return to + ".deb"


def build_with(root):
    root.write("root/app.c", '#include <stdio.h>\n#include <tpauth.h>\nint main(void)\n{\n\treturn puts(tpauth_version()) < 0;\n}\n')
    r = root.run("sh", "-c", "cd /root && gcc $(pkg-config --cflags tpauth) app.c $(pkg-config --libs tpauth) -o app && ./app")
    same((r.returncode, r.stdout, r.stderr), (0, root.run("pkg-config", "--modversion", "tpauth").stdout, ""),
         "a program is built with the library, by pkg-config, and runs")
    r = root.run("man", "-w", "3", "libtpauth")
    ok(r.returncode == 0, "the library has its manual", r.stderr)


def live_with(root, top, debs):
    deb = debs["tpauth"]
    root.run("dpkg", "--purge", "tpauth")
    root.run("rm", "-rf", "/etc/tpauth", "/var/lib/tpauth")
    root.dpkg("dpkg -i", "-i", *(root.take(d) for d in debs.values()))
    same({p: root.mode(p) for p in (CONF, "etc/tpauth/secret.key", "var/lib/tpauth")},
         {CONF: "root:tpauth 640", "etc/tpauth/secret.key": "root:tpauth 640", "var/lib/tpauth": "tpauth:tpauth 700"},
         "installed: the settings and the key are for root and tpauth, the state for tpauth")
    key = root.read("etc/tpauth/secret.key")
    ok(re.fullmatch(r"[0-9a-f]{64}", key) is not None, "a key of 256 bits was made")
    root.run("install", "-m", "640", "-g", "tpauth", "/dev/null", "/etc/tpauth/users")
    root.write("etc/tpauth/users", "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n")
    r = root.run("runuser", "-u", "tpauth", "--", "tpauth", "check", "--config", "/" + CONF)
    ok(r.returncode == 0, "with a user, the settings are complete, and tpauth can read all of them", r.stdout + r.stderr)
    ok(not glob.glob(root.at + "/etc/systemd/system/*/tpauth*"), "no unit is started at boot before somebody says so")

    build_with(root)

    mine = "\n# mine\nLOG_LEVEL = debug\n"
    root.write(CONF, mine)
    root.run("chgrp", "www-data", "/" + CONF)
    was = root.read(CONF)
    root.dpkg("an upgrade asks nothing", "-i", root.take(again(top, deb, "9.0")))
    same((root.read(CONF), root.mode(CONF)), (was, "root:www-data 640"), "and keeps the settings that were changed")
    root.dpkg("an upgrade that has other settings", "--force-confold", "-i", root.take(again(top, deb, "9.1", "# new\n")))
    same((root.read(CONF), root.mode(CONF)), (was, "root:www-data 640"), "keeps them, too")
    ok("# new" in root.read(CONF + ".dpkg-dist"), "and puts its own beside them")
    same(root.read("etc/tpauth/secret.key"), key, "the key is the same")

    root.write("var/lib/tpauth/session", "x")
    root.dpkg("dpkg --remove", "--remove", "tpauth")
    same([root.mode("usr/bin/tpauth"), root.read(CONF), root.read("etc/tpauth/secret.key"), root.read("var/lib/tpauth/session")],
         [None, was, key, "x"], "removed: settings, key and state stay")
    root.dpkg("dpkg --purge", "--purge", "tpauth")
    same([root.mode(p) for p in (CONF, CONF + ".dpkg-dist", "etc/tpauth/secret.key", "var/lib/tpauth")], [None] * 4,
         "purged: they are gone")
    same(root.mode("etc/tpauth/users"), "root:tpauth 640", "but not what was put beside them")


def main():
    may_mount = Root.enter()
    with tempfile.TemporaryDirectory() as top:
        install_and_uninstall(top)
        debian = shutil.which("dpkg") is not None
        if shutil.which("dpkg-buildpackage") is None or shutil.which("lintian") is None:
            ok(not debian, "Debian's tools are here" if debian else "packages # SKIP this is no Debian")
            return
        debs = build(top)
        if not ok(set(CONTENTS) <= set(debs), "the packages are there", debs):
            return
        look_into(top, debs)
        if not may_mount:
            root = os.geteuid() == 0
            ok(not root, "throw-away root: root may mount" if root else "throw-away root # SKIP needs the right to mount")
            return
        root = Root()
        try:
            live_with(root, top, {n: d for n, d in debs.items() if not n.endswith("-dbgsym")})
        finally:
            root.close()


main()
done()
