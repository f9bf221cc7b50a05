#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tpauth and its doctor before real mounts: two that are well, and others that are each broken in one way."""
import pty
import re

from e2e import *

TPAUTH = os.path.join(BUILD, "tpauth")
USER = ("--user", "alice")
with open(os.path.join(SRC, "lighttpd-conf", "fastcgi.conf")) as shipped:
    EXACT = re.search(r'"\^/\(token.*\$"', shipped.read()).group()  # the paths, to be replaced by a prefix


def run(*argv, **kw):
    return subprocess.run([TPAUTH, *argv], capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"], **sanitizers()}, **kw)


def doctor(site, url, *argv):
    if "--user" in argv:
        password = site.path("password")
        with open(password, "w") as f:
            f.write(PASSWORDS["alice"] + "\n")
        argv += ("--password-file", password)
    r = run("doctor", url if isinstance(url, str) else f"http://127.0.0.1:{url.port}", *argv)
    r.lines = {}
    last = None
    for text in r.stdout.splitlines():
        if text[:5].strip() in ("ok", "BAD", "--"):
            last = text[5:20].strip()
            r.lines[last] = text
        elif text.startswith(" " * 20):
            r.lines[last] += " " + text.strip()
    r.bad = [name for name, text in r.lines.items() if text.startswith("BAD")]
    return r


def finds(r, line, remedy, name, others=()):
    """One finding, with its line whole and a directive of this server among what mends it."""
    check = line[5:20].strip()
    ok(r.returncode == 1 and r.lines.get(check) == line and sorted(r.bad) == sorted([check, *others])
       and remedy in " ".join(r.stdout.split()), name, f"{r.returncode}, bad: {r.bad}\n{r.stdout}{r.stderr}")


WELL = """\
ok   tpauth         tpauth is there
ok   store          the session store answers
ok   paths          each endpoint answers
ok   clock          the server's clock agrees with this machine's
ok   errors         tpauth's own error bodies come back
ok   request-id     the request id goes through and comes back
ok   methods        HEAD, POST, OPTIONS, DELETE and PATCH reach tpauth
ok   authorization  the Authorization header reaches tpauth
ok   cookies        the Cookie header reaches tpauth
ok   origin         own pages may log in, foreign ones may not
ok   cors           no CORS headers but tpauth's own
ok   caching        Cache-Control: no-store arrives as it was sent
ok   bodies         a body of 65536 bytes is taken, one of 65537 gets 413
ok   chunked        a chunked body reaches tpauth
ok   login          logged in
ok   cookie-flags   both cookies have HttpOnly, SameSite and a Path that covers the service
--   https          plain HTTP, over loopback only
ok   session        the session holds, by bearer and by cookies alike
ok   logout         the logout ends the session
"""


def is_well(site, server, name):
    r = doctor(site, server, *USER)
    first, _, rest = r.stdout.partition("\n")
    ok(r.returncode == 0 and first.startswith("ok   answers        200 from /api/healthcheck (") and rest == WELL, name,
       r.stdout + r.stderr)


# The command itself.
r = run("version")
ok(r.returncode == 0 and r.stdout.startswith("tpauth "), "tpauth version", r)
r = run("--help")
ok(r.returncode == 0 and "tpauth doctor URL" in r.stdout, "tpauth --help", r)
same([run(*a).returncode for a in ((), ("no-such",), ("doctor",), ("doctor", "ftp://x/"), ("doctor", "http://a", "http://b"),
                                   ("doctor", "http://a", "--no-such"), ("doctor", "http://a", "--protected", "x"),
                                   ("doctor", "http://a", "--user", "alice", "--password-file", "/nonexistent"))], [64] * 8,
     "wrong usage: 64")
r = run("doctor", f"http://127.0.0.1:{free_port()}")
ok(r.returncode == 2 and r.stdout.startswith("--   answers        could not be asked: "), "nobody answers: 2", r)

with Site() as site:
    r = run("check", "--config", site.config)
    ok(r.returncode == 0 and r.stdout == "configuration: good\nsession store: lmdb, good\ntoken handler: good\n", "tpauth check with a good file", r)
    site.settings["LEEWAY"] = "soon"
    site.write_config()
    r = run("check", "--config", site.config)
    ok(r.returncode == 78 and "LEEWAY" in r.stderr and r.stdout == "", "tpauth check with a mistake", r)

# lighttpd.
with Site() as site:
    # Whoever reads goes away ("tpauth doctor ... | head"): the session that was opened is ended all the same.
    server = site.lighttpd()
    password = site.path("password")
    with open(password, "w") as f:
        f.write(PASSWORDS["alice"] + "\n")
    p = subprocess.Popen([TPAUTH, "doctor", f"http://127.0.0.1:{server.port}", *USER, "--password-file", password],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], **sanitizers()})
    while b"login " not in p.stdout.readline():
        pass
    p.stdout.close()
    p.wait(120)
    same((p.returncode >= 0, site.text("tpauth.log").count("event=logout.ok")), (True, 1),
         "nobody reads any more: the doctor logs out")

with Site() as site, no_secret_in_logs(site):
    is_well(site, site.lighttpd(), "lighttpd: all well")
    is_well(site, site.lighttpd("lighttpd-conf/cgi.conf"), "lighttpd, plain CGI: all well")
    ok(site.text("tpauth.log").count("event=login.ok") == site.text("tpauth.log").count("event=logout.ok") == 2,
       "each login was logged out")
    r = doctor(site, site.lighttpd(changes=[("|api/healthcheck", "")]))
    finds(r, "BAD  paths          not every path arrives where it should: /api/healthcheck: 404 by the web server",
          'lighttpd: $HTTP["url"] =~', "lighttpd: a path that the rule forgot")
    r = doctor(site, site.lighttpd(changes=[("^/(token|", "^/never/(token|")]))
    finds(r, "BAD  tpauth         a web server answers, but no tpauth: 404, without X-Request-ID, on every path that was tried",
          "lighttpd-conf/fastcgi.conf", "lighttpd: no tpauth there")
    r = doctor(site, site.lighttpd(changes=[("server.max-request-size = 128", "server.max-request-size = 32")]))
    finds(r, "BAD  bodies         the web server refuses a body of 65536 bytes (413)",
          "lighttpd: server.max-request-size = 128", "lighttpd: bodies cut short")
    with open(site.path("401.html"), "w") as f:
        f.write("<h1>no</h1>")
    r = doctor(site, site.lighttpd(more=f'server.error-intercept = "enable"\nserver.errorfile-prefix = "{site.dir}/"'))
    finds(r, "BAD  errors         the body of tpauth's 401 is replaced by another one",
          'lighttpd: server.error-intercept = "disable"', "lighttpd: error pages of its own")
    server = site.lighttpd(changes=[(EXACT, '"^/auth/"'), ('( "" => ((', '( "/auth/" => ((')])
    r = doctor(site, f"http://127.0.0.1:{server.port}/auth")
    finds(r, "BAD  paths          not every path arrives where it should: /token: 404 by tpauth, /refresh: 404 by tpauth, "
          "/userinfo: 404 by tpauth, /logout: 404 by tpauth, /api/healthcheck: 404 by tpauth", "set ROOT_PATH to it",
          "lighttpd: below a prefix that tpauth does not know")
    site.settings["ROOT_PATH"] = "/auth"
    site.write_config()
    r = doctor(site, f"http://127.0.0.1:{server.port}/auth/")
    server.stop()

with Site(ROOT_PATH="/auth") as site:
    server = site.lighttpd(changes=[(EXACT, '"^/auth/"'), ('( "" => ((', '( "/auth/" => ((')])
    r = doctor(site, f"http://127.0.0.1:{server.port}/auth/", *USER)
    same((r.returncode, r.bad), (0, []), "with ROOT_PATH that mount is well")

with Site(AUTHORIZATION_SERVER="False") as site:
    r = doctor(site, site.lighttpd(), *USER)
    ok(r.returncode == 0 and r.lines["paths"] == "ok   paths          each endpoint answers; a resource server: no login here",
       "a resource server is well without a login", r.stdout)

with Site(DB_TIMEOUT="1s") as site:
    redis = site.redis()
    site.settings["DB_URL"] = f"unix://{redis.sock}"
    site.write_config()
    server = site.lighttpd()
    same(doctor(site, server, *USER).returncode, 0, "lighttpd with Redis: all well")
    redis.stop(signal.SIGKILL)
    r = doctor(site, server)
    finds(r, "BAD  store          the session store does not answer: health check 503", "DB_URL", "the store is down")
    r = doctor(site, server, *USER)
    ok("login" in r.bad and "(503)" in r.lines["login"], "and so is the login", r.stdout)

# https, with an authority of one's own.
with Site() as site:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", site.path("tls.pem"), "-out", site.path("ca.pem")],
                   check=True, capture_output=True)
    with open(site.path("tls.pem"), "a") as f:
        f.write(site.text("ca.pem"))
    server = site.lighttpd(more=f'server.modules += ( "mod_openssl" )\nssl.engine = "enable"\nssl.pemfile = "{site.path("tls.pem")}"')
    url = f"https://localhost:{server.port}"
    r = doctor(site, url)
    ok(r.returncode == 2 and "--cacert" in r.lines["answers"], "https whose certificate nobody vouches for: 2", r.stdout)
    r = doctor(site, url, "--cacert", site.path("ca.pem"), *USER)
    ok(r.returncode == 0 and r.lines["https"] == "ok   https          https, and the certificate verifies", "https: all well",
       r.stdout + r.stderr)
    r = doctor(site, f"https://127.0.0.1:{server.port}", "--cacert", site.path("ca.pem"))
    same(r.returncode, 2, "https under another name than the certificate's: 2")

with Site(COOKIE_SECURE="False", COOKIE_PREFIX="tp-") as site:
    server = site.lighttpd()
    r = doctor(site, server, *USER)
    finds(r, "BAD  cookies        the Cookie header does not reach tpauth, which answers as if there were none", "--cookie-prefix",
          "another COOKIE_PREFIX than the doctor was told", ["cookie-flags"])
    same(doctor(site, server, *USER, "--cookie-prefix", "tp-").bad, [], "the right one: well")


# Apache: the mount as shipped, and one more line for each case.
def apache(more="", modules=()):
    return lambda site: site.apache(modules=("fcgid", *modules), more=more.replace("DIR", site.path("lib")))


HEADERS = ("headers",)
REWRITE = ("rewrite",)
ECHOED = ('Header always set Access-Control-Allow-Origin "expr=%{HTTP:Origin}"\n'
          'Header always set Access-Control-Expose-Headers "X-Request-ID"')
PREFLIGHT = """RewriteEngine On
RewriteCond %{REQUEST_METHOD} =OPTIONS
RewriteCond %{HTTP:Access-Control-Request-Method} .
RewriteRule .* - [R=405,L]
<If "%{REQUEST_METHOD} == 'OPTIONS' && %{HTTP:Origin} == 'https://app.example.org'">
Header always set Access-Control-Allow-Origin "https://app.example.org"
</If>"""
broken = [
    ("CGIPassAuth forgotten", apache('<Directory "DIR">\nCGIPassAuth Off\n</Directory>'), (),
     "BAD  authorization  the Authorization header does not reach tpauth, which answers as if there were none",
     "Apache: CGIPassAuth On", ()),
    ("the same, with a user: the session is judged by cookies alone", apache('<Directory "DIR">\nCGIPassAuth Off\n</Directory>'), USER,
     "BAD  authorization  the Authorization header does not reach tpauth, which answers as if there were none",
     "FcgidPassHeader Authorization", ()),
    ("cookies dropped", apache("RequestHeader unset Cookie early", HEADERS), (),
     "BAD  cookies        the Cookie header does not reach tpauth, which answers as if there were none",
     "Apache: no \"RequestHeader unset Cookie\"", ()),
    ("Origin dropped", apache("RequestHeader unset Origin early", HEADERS), (),
     "BAD  origin         Origin does not reach tpauth: a form from a foreign page is not refused",
     "Apache: no \"RequestHeader unset Origin\"", ()),
    ("another Host", apache("RequestHeader set Host internal.example early", HEADERS), (),
     "BAD  origin         the service's own pages are taken for foreign: Origin http://127.0.0.1:PORT is refused",
     "ProxyPreserveHost On", ()),
    ("request id of its own", apache("RequestHeader set X-Request-ID web-1 early", HEADERS), (),
     "BAD  request-id     the client's X-Request-ID does not arrive: another one comes back", "RequestHeader set", ()),
    ("request id taken away", apache("Header always unset X-Request-ID\nHeader unset X-Request-ID", HEADERS), (),
     "BAD  request-id     X-Request-ID does not come back", "for X-Request-ID (mod_headers)", ()),
    ("OPTIONS swallowed", apache("RewriteEngine On\nRewriteCond %{REQUEST_METHOD} =OPTIONS\nRewriteRule .* - [R=204,L]", REWRITE), (),
     "BAD  methods        methods do not reach tpauth at /userinfo: OPTIONS gets 204, not 405", "Apache: no <Limit>", ()),
    ("CORS headers of its own", apache('Header always add Access-Control-Allow-Origin "https://app.example.org"', HEADERS),
     ("--origin", "https://app.example.org"),
     "BAD  cors           Access-Control-Allow-Origin comes twice, which browsers take for none; tpauth sends it once",
     "Apache: no \"Header set\" or \"Header add Access-Control-...\"", ()),
    ("CORS headers with good answers only", apache('Header set Access-Control-Allow-Origin "*"', HEADERS), (),
     "BAD  cors           Access-Control-Allow-Origin comes without Access-Control-Expose-Headers, and is not tpauth's",
     "Apache: no \"Header set\" or \"Header add Access-Control-...\"", ()),
    ("any origin allowed", apache(ECHOED, HEADERS), ("--origin", "https://app.example.org"),
     "BAD  cors           any origin is echoed as allowed, which tpauth never does", "CORS_URLS", ()),
    ("an origin that is not in CORS_URLS", apache(), ("--origin", "https://elsewhere.example.com"),
     "BAD  cors           pages of https://elsewhere.example.com are not allowed: is it in CORS_URLS, and ENABLE_CORS on?",
     "CORS_URLS", ()),
    ("preflights refused", apache(PREFLIGHT, (*HEADERS, *REWRITE)), ("--origin", "https://app.example.org"),
     "BAD  cors           a preflight gets 405, behind which browsers send no request", "CORS_URLS", ()),
    ("answers made cacheable", apache('Header always set Cache-Control "max-age=60"\nHeader unset Cache-Control', HEADERS), (),
     'BAD  caching        tpauth says "Cache-Control: no-store", and max-age=60 arrives', "Apache: no ExpiresByType", ()),
    ("FcgidMaxRequestLen too low", apache("FcgidMaxRequestLen 30000"), (),
     "BAD  bodies         the web server answers 500 to a body of 65536 bytes", "FcgidMaxRequestLen must be above MAX_BODY_BYTES", ()),
    ("cookies edited", apache('Header always edit* Set-Cookie "; *HttpOnly" ""', HEADERS), USER,
     "BAD  cookie-flags   a session cookie without HttpOnly: scripts can read it", 'Apache: no "Header edit Set-Cookie"', ()),
    ("a program that may not run", apache('<Directory "DIR">\nRequire all denied\n</Directory>'), (),
     "BAD  tpauth         a web server answers, but no tpauth: 403, without X-Request-ID, on every path that was tried",
     "apache-conf/mod_fcgid.conf", ()),
    ("a redirect", apache('RewriteEngine On\nRewriteRule ^(.*)$ https://www.example.org$1 [R=301,L]', REWRITE), (),
     "BAD  tpauth         the web server sends on to https://www.example.org/api/healthcheck: ask there", "give the doctor", ()),
]
with Site() as site:
    server = site.apache()
    is_well(site, server, "Apache: all well")
    r = doctor(site, server, "--origin", "https://app.example.org")
    same((r.returncode, r.lines["cors"]), (0, "ok   cors           pages of the origin may read answers"),
         "and so is an origin of CORS_URLS")
for name, start, argv, line, remedy, others in broken:
    with Site() as site:
        server = start(site)
        finds(doctor(site, server, *argv), line.replace("PORT", str(server.port)), remedy, "Apache: " + name, others)
with Site(LEEWAY="soon") as site:
    finds(doctor(site, site.apache()),
          "BAD  tpauth         the web server answers 500 itself: it does not get an answer from tpauth", "tpauth check --config FILE",
          "Apache: a tpauth that does not start")

# Protected paths, which here Apache protects as badly as one can.
FORGED = """
SetEnvIf Cookie access_token let_in
SetEnvIf X-Auth-User . let_in
<Location "/app/">
Require env let_in
</Location>"""
SPELT = """
RewriteEngine On
RewriteCond %{THE_REQUEST} "^GET /app/"
RewriteCond %{HTTP:Cookie} !access_token
RewriteRule . - [F]"""
LEAKS = """
SetEnvIf Cookie access_token let_in
<Location "/app/">
Require env let_in
Header always set Variable-REMOTE_USER alice
</Location>"""
SHUT = FORGED.replace("SetEnvIf X-Auth-User . let_in\n", "")


def protected(site, more):
    os.makedirs(site.path("www/app"))
    with open(site.path("www/app/x.txt"), "w") as f:
        f.write("the page")
    with open(site.path("www/public.txt"), "w") as f:
        f.write("public")
    return site.apache(modules=("fcgid", "setenvif", "rewrite", "headers"),
                       more=more + f'\n<Directory "{site.dir}/www">\nSetHandler default-handler\nRequire all granted\n</Directory>')


with Site() as site:
    server = protected(site, SHUT)
    r = doctor(site, server, "--protected", "/app/x.txt", *USER)
    same((r.returncode, r.bad, r.lines["protected"], r.lines["admits"]),
         (0, [], "ok   protected      /app/x.txt is shut without a session (403)",
          "ok   admits         /app/x.txt opens with a session (200)"), "a protected path: well")
    r = doctor(site, server, "--protected", f"http://127.0.0.1:{server.port}/public.txt")
    finds(r, "BAD  protected      /public.txt opens without a session (200)", "Apache: FcgidAccessChecker", "a path that is not protected")
    r = doctor(site, server, "--protected", "/none.txt")
    same((r.returncode, r.lines["protected"]),
         (0, "--   protected      /none.txt answers 404: not known what it would be with a session"), "a path that is not there")
with Site() as site:
    finds(doctor(site, protected(site, FORGED), "--protected", "/app/x.txt"),
          'BAD  forged         "X-Auth-User: tpauth-doctor-forged" opens /app/x.txt without a session', "RequestHeader unset X-Auth-User",
          "a header that opens it")
with Site() as site:
    finds(doctor(site, protected(site, SPELT), "--protected", "/app/x.txt", *USER),
          "BAD  spelling       opens the protected path without a session: //app/x.txt, /./app/x.txt, "
          "/tpauth-doctor/../app/x.txt, /%2e/app/x.txt, /tpauth-doctor/%2e%2e/app/x.txt, /%61pp/x.txt", "THE_REQUEST",
          "spellings that open it")
with Site() as site:
    finds(doctor(site, protected(site, LEAKS), "--protected", "/app/x.txt", *USER),
          "BAD  leak           the authorizer's words to the application reach the client: Variable-REMOTE_USER",
          "Header always unset Variable-REMOTE_USER", "a variable that leaks")

# nginx, with a pool of tpauth's own.
with Site() as site:
    pool = site.pool(2)
    port = free_port()
    temp = "".join(f"{kind}_temp_path {site.dir}/nginx-{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))

    def nginx(lines):
        conf = site.path(f"nginx-{port}.conf")
        with open(conf, "w") as f:
            f.write(("user root;\n" if os.getuid() == 0 else "") +
                    f"daemon off;\npid {site.dir}/nginx.pid;\nerror_log {site.dir}/nginx.log;\nevents {{}}\nhttp {{\n{temp}"
                    f"access_log off;\nserver {{\nlisten 127.0.0.1:{port};\n"
                    f"location ~ ^/(token|refresh|userinfo|logout|sessions(/[A-Za-z0-9_-]+)?|api/healthcheck)$ {{\ninclude /etc/nginx/fastcgi_params;\n"
                    f"fastcgi_pass unix:{pool.sock};\n{lines}\n}}\n}}\n}}\n")
        p = site.start(["/usr/sbin/nginx", "-e", site.path("nginx.log"), "-c", conf], stderr=subprocess.DEVNULL)
        p.port = port
        ok(wait_until(lambda: port_open(port)), "nginx is up", site.text("nginx.log"))
        return p
    with open(site.path("401.html"), "w") as f:
        f.write("<h1>no</h1>")
    server = nginx("")
    is_well(site, server, "nginx: all well")
    server.stop()
    server = nginx(f"fastcgi_intercept_errors on;\nerror_page 401 405 /401.html;\n}}\nlocation = /401.html {{\nroot {site.dir};")
    finds(doctor(site, server), "BAD  errors         the body of tpauth's 401 is replaced by another one",
          "nginx: fastcgi_intercept_errors off;", "nginx: error pages of its own")
    server.stop()
    server = nginx("fastcgi_param HTTP_HOST $http_host;")
    finds(doctor(site, server), "BAD  paths          tpauth refuses every request (400), before it looks at the path",
          "nginx: each fastcgi_param once", "nginx: HTTP_HOST sent twice")
    server.stop()
    server = nginx('fastcgi_param HTTP_AUTHORIZATION "";')
    finds(doctor(site, server), "BAD  authorization  the Authorization header does not reach tpauth, which answers as if there were none",
          "nginx: nginx passes Authorization on, unless", "nginx: Authorization overwritten")
    server.stop()
    server = nginx("client_max_body_size 8k;")
    finds(doctor(site, server), "BAD  bodies         the web server refuses a body of 65536 bytes (413)", "nginx: client_max_body_size 128k;",
          "nginx: bodies cut short")
    pool.stop()
    r = doctor(site, server)
    finds(r, "BAD  tpauth         the web server answers 502 itself: it does not get an answer from tpauth",
          "nginx: nginx starts no programs", "nginx: the pool is not running")

# The password, asked at a terminal: it is not shown there.
with Site() as site:
    server = site.lighttpd()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(TPAUTH, [TPAUTH, "doctor", f"http://127.0.0.1:{server.port}", "--user", "alice"],
                  {"PATH": os.environ["PATH"], **sanitizers()})
    seen = b""
    while b"Password: " not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, PASSWORDS["alice"].encode() + b"\n")
    with contextlib.suppress(OSError):
        while True:
            got = os.read(terminal, 4096)
            if not got:
                break
            seen += got
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ok(status == 0 and b"logged in" in seen and PASSWORDS["alice"].encode() not in seen, "the password from a terminal, without an echo",
       (status, seen))
done()
