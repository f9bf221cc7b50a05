#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS where the address is not that of DB_URL: to the master that a sentinel names, and to the nodes
that a Redis Cluster names. Only who has a certificate of the right authority is believed."""
import subprocess

from e2e import *

IP = "127.0.0.1"


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def make_certificates(site):
    """An authority, a server's certificate of it, and an authority that has nothing to do with it."""
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    for ca in ("ca", "other"):
        openssl(*new, "-subj", f"/CN={ca}", "-keyout", site.path(f"{ca}.key"), "-out", site.path(f"{ca}.pem"))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=node", "-keyout",
            site.path("node.key"), "-out", site.path("node.csr"))
    with open(site.path("node.ext"), "w") as f:
        f.write(f"subjectAltName=IP:{IP}\n")
    openssl("x509", "-req", "-in", site.path("node.csr"), "-CA", site.path("ca.pem"), "-CAkey", site.path("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", site.path("node.ext"), "-out", site.path("node.pem"))


def tls(site, dash=""):
    """The settings of a server, for its command line ("--") or its file."""
    words = {"tls-cert-file": "node.pem", "tls-key-file": "node.key", "tls-ca-cert-file": "ca.pem"}
    return [w for k, v in words.items() for w in (dash + k, site.path(v))]


def ask(site, port, *words):
    return subprocess.run(["redis-cli", "--tls", "--cacert", site.path("ca.pem"), "--cert", site.path("node.pem"), "--key",
                           site.path("node.key"), "-h", IP, "-p", str(port), *words],
                          capture_output=True, text=True, timeout=60).stdout.strip()


def node(site, *more):
    # The bus of a cluster is 10,000 higher.
    port = next(p for p in iter(free_port, None) if p <= 55535)
    folder = site.path(f"node-{port}")
    os.makedirs(folder)
    site.start(["/usr/bin/redis-server", "--port", "0", "--tls-port", str(port), "--bind", IP, "--save", "", "--dir", folder,
                "--tls-replication", "yes", "--logfile", site.path("redis.log"), *tls(site, "--"), *more])
    if not wait_until(lambda: ask(site, port, "PING") == "PONG", 20):
        raise RuntimeError("redis-server did not start: " + site.text("redis.log")[-600:])
    return port


def sentinel(site):
    master, port = node(site), free_port()
    conf, words = site.path("sentinel.conf"), tls(site)
    with open(conf, "w") as f:
        f.write(f"port 0\ntls-port {port}\nbind {IP}\ndir {site.dir}\nlogfile {site.path('sentinel.log')}\n"
                "tls-replication yes\n" + "".join(f"{k} {v}\n" for k, v in zip(words[::2], words[1::2])) +
                f"sentinel monitor mymaster {IP} {master} 1\n")
    site.start(["/usr/bin/redis-server", conf, "--sentinel"])
    if not wait_until(lambda: ask(site, port, "SENTINEL", "ckquorum", "mymaster").startswith("OK"), 20):
        raise RuntimeError("the sentinel does not see its master")
    site.settings |= {"REDIS_CONNECTION_TYPE": "sentinel", "REDIS_MASTER_SERVICE": "mymaster"}
    return port


def cluster(site):
    ports = [node(site, "--cluster-enabled", "yes", "--tls-cluster", "yes") for _ in range(3)]
    ask(site, ports[0], "--cluster", "create", *[f"{IP}:{p}" for p in ports], "--cluster-yes")
    if not wait_until(lambda: all("cluster_state:ok" in ask(site, p, "CLUSTER", "INFO") for p in ports), 30):
        raise RuntimeError("no cluster came of it")
    return ports[0]


def through(what, start):
    with Site(DB_TIMEOUT="2s") as site:
        make_certificates(site)
        site.settings |= {"DB_URL": f"rediss://{IP}:{start(site)}", "DB_TLS_CA": site.path("ca.pem"),
                          "DB_TLS_CERT": site.path("node.pem"), "DB_TLS_KEY": site.path("node.key")}
        site.write_config()
        pool = site.pool(2)
        # Enough of them for every node of a cluster.
        logins = [fcgi_login(pool.sock, f"user{i}") for i in range(12)]
        same([a.status for a in logins], [200] * 12, f"{what}: logged in over TLS")
        same([fcgi(pool.sock, "GET", "/userinfo", [bearer_header(a)]).status for a in logins], [200] * 12,
             f"{what}: and the sessions are there")
        same(pool.stop(), 0, f"{what}: the pool ends in order")
        site.settings["DB_TLS_CA"] = site.path("other.pem")
        site.write_config()
        pool = site.pool(2)
        same(fcgi_login(pool.sock).status, 503, f"{what}: of another authority, nobody is believed")


through("sentinel", sentinel)
through("cluster", cluster)
done()
