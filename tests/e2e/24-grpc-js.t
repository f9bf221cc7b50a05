#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tpauth-grpcd called by a second, independent client: @grpc/grpc-js, over TCP, a unix socket and TLS."""
from grpc_site import *

WANT = {"ok": "{}", "unknown session": "{}", "no user": "INVALID_ARGUMENT", "no method": "UNIMPLEMENTED",
        "no service": "UNIMPLEMENTED", "too large": "RESOURCE_EXHAUSTED", "a deadline of nothing": "DEADLINE_EXCEEDED",
        "cancelled": "CANCELLED", "1000 at once": ["{}"], "health": "SERVING", "watch": "SERVING"}

if shutil.which("npm") is None:
    sys.exit("there is no npm: tools/packages test installs it")
# Installed once for a build tree.
work = os.path.join(BUILD, "grpc-js")
os.makedirs(work, exist_ok=True)
for name in ["package.json", "client.js"]:
    shutil.copy(os.path.join(SRC, "tests", "e2e", "grpc-js", name), work)
if not os.path.exists(os.path.join(work, "node_modules", "@grpc", "grpc-js")):
    r = subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=work,
                       capture_output=True, text=True, timeout=300)
    if r.returncode != 0:
        ok(False, "npm install", r.stderr)
        done()

with GrpcSite() as site:
    site.certificate("ca")
    cert, key = site.certificate("server", "ca")
    sock = "unix:" + site.path("grpcd.sock")
    for name, daemon, target, ca in [
            ("TCP", site.daemon(), None, []), ("unix", site.daemon(address=sock), sock, []),
            ("TLS", site.daemon("--grpc-tls-cert", cert, "--grpc-tls-key", key), None, [site.path("ca.pem")])]:
        handle, _ = site.session()
        r = subprocess.run(["node", "client.js", PROTOS, target or f"localhost:{daemon.port}", "alice", handle, *ca],
                           cwd=work, capture_output=True, text=True, timeout=120)
        got = dict(json.loads(line) for line in r.stdout.splitlines())
        for what, want in WANT.items():
            same(got.get(what), want, f"{name}: {what}")
        same(r.stderr, "", f"{name}: and no word of complaint")
        same(daemon.stop(), 0, f"{name}: the daemon stops")

done()
