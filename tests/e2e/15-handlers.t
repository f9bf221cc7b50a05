#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The token handlers that ask somebody else: a web service, a directory, PAM. Logins, refusals, trouble, and
refreshes, which ask again: a yes goes on with new scopes, a no ends the session, trouble leaves it be."""
import glob
import http.server
import ssl
import threading

from e2e import *

KEY = "marker-handler-secret"
TPAUTH = os.path.join(BUILD, "tpauth")
SLAPD = "/usr/sbin/slapd"
WRAPPER = "/usr/lib/x86_64-linux-gnu/libpam_wrapper.so"


def say(sock, method, path, headers=(), body=""):
    return fcgi(sock, method, path, headers, body.encode())


def log_in(sock, user, password):
    return say(sock, "POST", "/token", [FORM], form(username=user, password=password))


def refresh(sock, a):
    return say(sock, "POST", "/refresh", [bearer_header(a)])


def check(site):
    return subprocess.run([TPAUTH, "check", "--config", site.config], capture_output=True, text=True, timeout=40,
                          env={"PATH": os.environ["PATH"], **sanitizers()})


def errors(site):
    return "".join(line for line in site.text("tpauth.log").splitlines(True) if "handler" in line or "directory" in line)


# A web service ------------------------------------------------------------------------------------

class Service(http.server.BaseHTTPRequestHandler):
    """Knows joe; answers what `mood` says."""
    mood, asked = "well", []

    def do_POST(self):
        q = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Service.asked.append((q, self.headers))
        if self.headers["Authorization"] != "Bearer " + KEY or Service.mood == "broken":
            return self.answer(500, {})
        good = q["password"] == PASSWORDS["alice"] if q["event"] == "login" else q["user_id"] == "joe"
        if not good or Service.mood == "hard":
            return self.answer(403, {})
        if Service.mood == "moved":
            return self.answer(307, {}, [("Location", "/elsewhere")])
        self.answer(200, {"user_id": "joe", "username": "Joe", "scopes": ["other"] + ["well"] * (Service.mood == "well")})

    def do_HEAD(self):
        self.answer(405, {})

    def answer(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        for k, v in [("Content-Type", "application/json"), ("Content-Length", str(len(data))), *headers]:
            self.send_header(k, v)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *args):
        pass


def serve(context=None):
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    if context is not None:
        s.socket = context.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s, s.server_address[1]


def certificates(site, name, *more):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "2", "-subj", "/CN=" + name, "-keyout", site.path(name + ".key"), "-out", site.path(name + ".pem"), *more],
                   check=True, capture_output=True)


def question(q):
    return {k: q[k] for k in ("event", "username", "password", "scopes")}


server, port = serve()
with Site(TOKEN_HANDLER=f"http://127.0.0.1:{port}/login", HANDLER_SECRET=KEY, REFRESH_RESTRICT_MINUTES="0") as site, \
        no_secret_in_logs(site, KEY):
    web = site.lighttpd().port
    a = login(web, "alice", scope="well other")
    same(a.status, 200, "a web service lets a user in")
    q, headers = Service.asked[-1]
    same(question(q), {"event": "login", "username": "alice", "password": PASSWORDS["alice"], "scopes": ["well", "other"]},
         "it was asked")
    ok(q["remote_addr"] == "127.0.0.1" and headers["X-Request-ID"] == q["request_id"] and q["request_id"],
       "from where, and by the request's id", (q, headers))
    same(request(web, "GET", "/userinfo", [bearer_header(a)]).json()["user_id"], "joe", "who it is, the service says")
    same(login(web, "alice", "wrong").status, 400, "or refuses")

    Service.mood = "other"
    r = request(web, "POST", "/refresh", [bearer_header(a)], "")
    same((r.status, r.json().get("refreshed")), (200, True), "a refresh asks it again")
    q, _ = Service.asked[-1]
    same((q["event"], q["user_id"], q["claims"]["scopes"]), ("refresh", "joe", ["other", "well"]), "with the claims of the session")
    same(request(web, "GET", "/userinfo", [bearer_header(a)]).json()["scopes"], ["other"], "and a scope that it does not give any more is gone")
    for mood, word in [("broken", "status 500"), ("moved", "status 307")]:
        Service.mood = mood
        same(login(web).status, 503, f"{mood}: a login is answered 503")
        r = request(web, "POST", "/refresh", [bearer_header(a)], "")
        ok(r.status != 401 and request(web, "GET", "/userinfo", [bearer_header(a)]).status == 200,
           f"{mood}: a refresh leaves the session", r)
        ok(word in site.text("lighttpd.log") + site.text("tpauth.log"), f"{mood}: the log says so", errors(site))
    Service.mood = "hard"
    same(request(web, "POST", "/refresh", [bearer_header(a)], "").status, 401, "a no in a refresh")
    same(request(web, "GET", "/userinfo", [bearer_header(a)]).status, 401, "ends the session")

    Service.mood = "well"
    cgi = site.lighttpd("lighttpd-conf/cgi.conf").port
    a = login(cgi)
    same(a.status, 200, "plain CGI asks it as well")
    same(request(cgi, "GET", "/userinfo", [bearer_header(a)]).status, 200, "and checks sessions")

    r = check(site)
    ok(r.returncode == 0 and "token handler: good" in r.stdout, "tpauth check finds it", r)
    server.shutdown()
    server.server_close()
    r = check(site)
    ok(r.returncode == 69 and "the token handler: " in r.stderr, "or does not", r)
    same(login(web).status, 503, "a service that is down: 503")

with Site(HANDLER_SECRET=KEY) as site, no_secret_in_logs(site, KEY):
    certificates(site, "service", "-addext", "subjectAltName=IP:127.0.0.1")
    certificates(site, "other", "-addext", "subjectAltName=IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.path("service.pem"), site.path("service.key"))
    server, port = serve(context)
    for name, ca, status in [("its authority", "service", 200), ("another", "other", 503), ("the system's", None, 503)]:
        site.settings["TOKEN_HANDLER"] = f"https://127.0.0.1:{port}/"
        site.settings.pop("HANDLER_CA", None)
        if ca is not None:
            site.settings["HANDLER_CA"] = site.path(ca + ".pem")
        site.write_config()
        before = len(Service.asked)
        pool = site.pool(2)
        same(fcgi_login(pool.sock).status, status, f"over TLS, trusting {name}: {status}")
        same(len(Service.asked) > before, status == 200, "and what is not trusted is not asked")
        pool.stop()
    site.settings["TOKEN_HANDLER"] = "http://192.0.2.1/"
    site.write_config()
    r = check(site)
    ok(r.returncode == 78 and "http:// goes to this machine only" in r.stderr, "no password leaves the machine in the clear", r)
    server.shutdown()

# A directory --------------------------------------------------------------------------------------

DIRECTORY = """dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: x
dc: example

dn: cn=reader,dc=example,dc=org
objectClass: person
sn: x
cn: reader
userPassword: marker-reader

dn: uid=alice,dc=example,dc=org
objectClass: inetOrgPerson
sn: x
cn: Alice
uid: alice
userPassword: {alice}

dn: cn=readers,dc=example,dc=org
objectClass: groupOfNames
cn: readers
member: uid=alice,dc=example,dc=org

dn: cn=writers,dc=example,dc=org
objectClass: groupOfNames
cn: writers
member: uid=alice,dc=example,dc=org
"""


class Directory:
    """slapd with its data in the site's folder: a copy, since some systems confine the one at its own place."""

    def __init__(self, site):
        self.site, self.port = site, free_port()
        certificates(site, "slapd", "-addext", "subjectAltName=IP:127.0.0.1")
        os.mkdir(site.path("data"))
        shutil.copy(SLAPD, site.path("slapd"))
        with open(site.path("slapd.conf"), "w") as f:
            for schema in ("core", "cosine", "inetorgperson"):
                f.write(f"include /etc/ldap/schema/{schema}.schema\n")
            f.write(f"""TLSCertificateFile {site.path("slapd.pem")}
TLSCertificateKeyFile {site.path("slapd.key")}
database ldif
suffix dc=example,dc=org
directory {site.path("data")}
rootdn cn=root,dc=example,dc=org
rootpw root
access to attrs=userPassword by anonymous auth by * none
access to * by dn=cn=reader,dc=example,dc=org read by * none
""")
        with open(site.path("data.ldif"), "w") as f:
            f.write(DIRECTORY.format(**PASSWORDS))
        subprocess.run(["slapd", "-T", "add", "-q", "-f", site.path("slapd.conf"), "-l", site.path("data.ldif")],
                       executable=site.path("slapd"), check=True)
        self.start()

    def start(self):
        self.p = self.site.start([self.site.path("slapd"), "-f", self.site.path("slapd.conf"), "-d", "0", "-h",
                                  f"ldaps://127.0.0.1:{self.port}"], stderr=subprocess.DEVNULL)
        if not wait_until(lambda: port_open(self.port)):
            raise RuntimeError("slapd did not start")

    def do(self, *argv):
        subprocess.run([argv[0], "-x", "-H", f"ldaps://127.0.0.1:{self.port}", "-D", "cn=root,dc=example,dc=org", "-w", "root",
                        *argv[1:]], check=True, capture_output=True,
                       env={**os.environ, "LDAPTLS_CACERT": self.site.path("slapd.pem")})


if not os.path.exists(SLAPD):
    ok(False, "ldap: can be tested: slapd is there")
else:
    with Site(REFRESH_RESTRICT_MINUTES="0", LDAP_BIND_DN="cn=reader,dc=example,dc=org", LDAP_BIND_PASSWORD="marker-reader",
              LDAP_GROUPS="dc=example,dc=org?cn?one?(member=%d)") as site, no_secret_in_logs(site, "marker-reader"):
        d = Directory(site)
        site.settings["TOKEN_HANDLER"] = f"ldap:ldaps://127.0.0.1:{d.port}/dc=example,dc=org"
        site.settings["HANDLER_CA"] = site.path("slapd.pem")
        site.write_config()
        r = check(site)
        ok(r.returncode == 0 and "token handler: good" in r.stdout, "tpauth check finds a directory", r)
        sock = site.pool(2).sock
        a = fcgi_login(sock)
        same(a.status, 200, "it lets a user in")
        claims = say(sock, "GET", "/userinfo", [bearer_header(a)]).json()
        same((claims["user_id"], claims["username"], sorted(claims["scopes"])), ("alice", "Alice", ["readers", "writers"]),
             "whom it knows")
        same(log_in(sock, "alice", "wrong").status, 400, "not with a wrong password")
        ok(log_in(sock, "alice", "").status in (400, 422), "nor with none")
        same(log_in(sock, "*", PASSWORDS["alice"]).status, 400, "nor with a pattern for a name")

        d.do("ldapdelete", "cn=writers,dc=example,dc=org")
        same(refresh(sock, a).json().get("refreshed"), True, "a refresh looks again")
        same(say(sock, "GET", "/userinfo", [bearer_header(a)]).json()["scopes"], ["readers"], "and a group that is gone is no scope any more")
        d.p.stop(signal.SIGKILL)
        r = check(site)
        ok(r.returncode == 69 and "the directory: " in r.stderr, "a directory that is down: tpauth check says so", r)
        same(fcgi_login(sock).status, 503, "a login is answered 503")
        refresh(sock, a)
        same(say(sock, "GET", "/userinfo", [bearer_header(a)]).status, 200, "and a refresh leaves the session")
        d.start()
        d.do("ldapdelete", "uid=alice,dc=example,dc=org")
        same(refresh(sock, a).status, 401, "who is gone is refused")
        same(say(sock, "GET", "/userinfo", [bearer_header(a)]).status, 401, "and the session is over")

# PAM ----------------------------------------------------------------------------------------------

if not os.path.exists(WRAPPER):
    ok(False, "pam: can be tested: libpam-wrapper is there")
else:
    with Site(REFRESH_RESTRICT_MINUTES="0", TOKEN_HANDLER="pam:svc") as site, no_secret_in_logs(site):
        os.mkdir(site.path("pam.d"))
        matrix = f"{os.path.dirname(WRAPPER)}/pam_wrapper/pam_matrix.so passdb={site.path('passdb')}"
        with open(site.path("passdb"), "w") as f:
            f.write(f"alice:{PASSWORDS['alice']}:svc\n")
        with open(site.path("pam.d/svc"), "w") as f:
            f.write(f"auth required {matrix}\naccount required pam_permit.so\n")
        with open(site.path("pam.d/other"), "w") as f:
            f.write("auth required pam_deny.so\naccount required pam_deny.so\n")
        linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout
        asan = [line.split()[2] for line in linked.splitlines() if "libasan" in line]
        sock = site.path("pam.sock")
        p = site.start([PROGRAM, "--config", site.config, "--listen", sock],
                       env={"PATH": os.environ["PATH"], **sanitizers(), "LD_PRELOAD": ":".join([*asan, WRAPPER]),
                            "PAM_WRAPPER": "1", "PAM_WRAPPER_SERVICE_DIR": site.path("pam.d")})
        ok(wait_until(lambda: socket_open(sock)), "tpauth with PAM starts", site.text("tpauth.log"))
        a = fcgi_login(sock)
        same(a.status, 200, "PAM lets a user in")
        same(log_in(sock, "alice", "wrong").status, 400, "or does not")
        same(refresh(sock, a).json().get("refreshed"), True, "a refresh asks for the account")
        p.stop()
    # What the wrapper made for the processes that asked, which end without further ado.
    for pid in glob.glob("/tmp/pam.?/pid"):
        with open(pid) as f:
            if not os.path.exists("/proc/" + f.read().strip()):
                shutil.rmtree(os.path.dirname(pid), ignore_errors=True)
done()
