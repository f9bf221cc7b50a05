#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""TOKEN_HANDLER=module:FILE.so,TEXT under lighttpd, by a module whose answers are files (tests/module/files.c): each of
its hooks, in the responder, the authorizer, the refresh daemon and plain CGI, and what is said of one that is none."""
from e2e import *

LIBS = os.path.join(BUILD, "tests", "module", ".libs")
GRPCD = os.path.join(BUILD, "tpauth-grpcd")
STILL = ("refresh", "false")  # this use does not make the session slide


class ModuleSite(Site):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.answers = self.path("answers")
        os.mkdir(self.answers)
        self.put("user-ann", json.dumps({"user_id": "u-ann", "username": "Ann", "scopes": ["read", "write"]}))
        self.put("user-bob", json.dumps({"user_id": "u-bob", "scopes": ["read"], "email": "bob@own.example"}))
        self.put("user-nobody", json.dumps({"username": "Nobody"}))
        self.put("user-broken", "{]")
        if "TOKEN_HANDLER" not in settings:
            self.settings["TOKEN_HANDLER"] = f"module:{LIBS}/files.so,{self.answers}"
        self.write_config()

    def put(self, name, text=""):
        with open(os.path.join(self.answers, name), "w") as f:
            f.write(text)

    def drop(self, name):
        os.remove(os.path.join(self.answers, name))

    def events(self):
        return self.text("answers/log").splitlines()


def check(settings, *argv):
    """The exit status of a check of these settings, and what it said."""
    r = subprocess.run([*argv, "--config", settings], capture_output=True, text=True, env={**sanitizers()})
    return r.returncode, r.stdout + r.stderr


def enter(port, user="ann", password="marker-module-password", **more):
    return request(port, "POST", "/token", [FORM], form(username=user, password=password, **more))


def info(port, session):
    return request(port, "GET", "/userinfo", [cookie_header(session), STILL])


with ModuleSite(REFRESH_RESTRICT_MINUTES="0") as site:
    os.makedirs(site.path("www/app"), exist_ok=True)
    with open(site.path("www/app/page"), "w") as f:
        f.write("the page\n")
    port = site.lighttpd(["lighttpd-conf/fastcgi.conf", "lighttpd-conf/authorizer-static.conf"]).port
    pool = site.pool(1)  # beside lighttpd's own, over the same store

    with no_secret_in_logs(site, "marker-module-password"):
        # token
        ann = enter(port)
        same((ann.status, ann.json()["user_id"], ann.json()["scope"]), (200, "u-ann", "read write"), "the token hook lets a user in")
        same(ann.one("X-Logged-In"), "ann", "and adds a header to the answer")
        same(site.events()[-1], "token POST /token -", "which it saw as a request")
        wrong = enter(port, password="wrong")
        same((wrong.status, wrong.json()["error"], wrong.get("X-Logged-In")), (400, "invalid_grant", []), "it denies, and no header of it is left")
        ok('reason="the token hook: the folder has no such user"' in site.text("tpauth.log"), "its reason is in the log")
        same(enter(port, "stranger").body, wrong.body, "an unknown user gets the same answer")
        same(enter(port, "nobody").status, 503, "claims without user_id are 503")
        same(enter(port, "broken").status, 503, "trouble is 503")
        a = enter(port, client_id="breaker")
        same((a.status, a.json()["error"], a.cookies()), (500, "server_error", {}), "a header that would break the answer is 500, and no cookie is set")
        ok("the header Content-Length was added, which is ours to set" in site.text("tpauth.log"), "the log names it")
        bob = enter(port, "bob")

        # authenticate
        same("team" in info(port, ann).json(), False, "before, the claims are the token's")
        site.put("team-u-ann", "red\n")
        site.put("team-u-bob", "blue\n")
        claims = info(port, ann).json()
        same((claims["team"], claims["email"]), ("red", "u-ann@red.example"), "userinfo shows the claims that the authenticate hook adds")
        claims = info(port, bob).json()
        same((claims["team"], claims["email"]), ("blue", "bob@own.example"), "beside those that are there")
        a = authorizer(pool.sock, "GET", "/app/x?y", [cookie_header(ann), STILL])
        same((a.status, a.one("Variable-TPAUTH_EMAIL")), (200, "u-ann@red.example"), "the authorizer hands one on that has a variable")
        same(site.events()[-1], "authenticate GET /app/x u-ann", "and the hook saw the protected request")
        same(request(port, "GET", "/app/page", [cookie_header(ann), STILL]).body, b"the page\n", "the page behind the authorizer is shown")
        site.put("banned-u-ann")
        same(info(port, ann).status, 401, "denied by the hook: 401")
        a = request(port, "GET", "/app/page", [cookie_header(ann), STILL])
        ok(a.status == 401 and b"the page" not in a.body, "behind the authorizer, too", a)
        same(authorizer(pool.sock, "GET", "/app", [cookie_header(ann)]).status, 401, "in its role as well")
        same(info(port, bob).status, 200, "others pass")
        ok('event=access.refused' in site.text("tpauth.log") and 'reason="the authenticate hook: banned"' in site.text("tpauth.log"),
           "the log has the reason")
        site.drop("banned-u-ann")
        site.put("forbidden-u-ann")
        same((info(port, ann).status, request(port, "GET", "/app/page", [cookie_header(ann), STILL]).status), (403, 403), "forbidden is 403")
        site.drop("forbidden-u-ann")
        same(info(port, ann).status, 200, "and it is over when the hook says so")

        # refresh
        site.put("fresh-u-ann", "read\n")
        a = request(port, "POST", "/refresh", [cookie_header(ann)], "")
        same((a.status, a.json()["refreshed"], a.json()["scope"]), (200, True, "read"), "the refresh hook changes the scopes")
        same(site.events()[-1], "refresh POST /refresh u-ann", "and saw the request")
        same(info(port, ann).json()["scopes"], ["read"], "for all that follows")
        site.put("fresh-u-ann", "read\nadmin\n")
        a = request(port, "POST", "/refresh", [cookie_header(ann)], "")
        same((a.status, a.json()["scope"]), (200, "read"), "but not to more than the session has")
        request(port, "GET", "/userinfo", [cookie_header(ann)])
        ok(wait_until(lambda: site.events()[-1] == "refresh - - u-ann"), "a session that slides asks it without a request", site.events()[-3:])
        site.put("gone-u-ann")
        same(request(port, "POST", "/refresh", [cookie_header(ann)], "").status, 401, "denied by the refresh hook: 401")
        site.drop("gone-u-ann")
        same(info(port, ann).status, 401, "and the session has ended")
        ok('the token handler denies the user: the refresh hook: the user has left' in site.text("tpauth.log"), "the log has the reason")

        # health
        same(request(port, "GET", "/api/healthcheck").status, 200, "healthy")
        site.put("ill")
        a = request(port, "GET", "/api/healthcheck")
        same((a.status, a.body), (503, b'{"status":503}'), "the health hook says no: 503")
        ok('reason="the health hook: the folder says so"' in site.text("tpauth.log"), "the log has the reason")

        # logout, while the hook is in trouble and denies the user besides
        site.put("banned-u-bob")
        a = request(port, "POST", "/logout", [cookie_header(bob)], "")
        same((a.status, sorted(a.cookies().values())), (200, ['""', '""']), "a log-out succeeds whatever the hooks say")
        same(site.events()[-1], "logout POST /logout u-bob", "the logout hook was told")
        ok('event=logout.hook_failed' in site.text("tpauth.log") and 'the log-out could not be told to others' in site.text("tpauth.log"),
           "and what it said is in the log")
        site.drop("banned-u-bob")
        site.drop("ill")
        same(info(port, bob).status, 401, "the session is gone")

    # a reload opens the module with its new text, and keeps the old one when that cannot be
    pool.stop()
    pool = site.pool(1)
    site.settings["TOKEN_HANDLER"] = f"module:{LIBS}/files.so,=8"
    site.write_config()
    before = site.text("tpauth.log").count("config.kept")
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: site.text("tpauth.log").count("config.kept") > before), "a module that cannot be opened is not taken")
    login_form = form(username="ann", password="x")
    same(fcgi(pool.sock, "POST", "/token", [FORM], login_form).status, 200, "the one before serves on")
    other = site.path("other-answers")
    os.mkdir(other)
    site.settings["TOKEN_HANDLER"] = f"module:{LIBS}/files.so,{other}"
    site.write_config()
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: fcgi(pool.sock, "POST", "/token", [FORM], login_form).status == 400), "SIGHUP opens it with its new text")

# Plain CGI, the refresh daemon, and a resource server with the same module.
with ModuleSite(REFRESH_RESTRICT_MINUTES="0") as site:
    redis = site.redis()
    site.settings["DB_URL"] = "unix://" + redis.sock
    site.write_config()
    port = site.lighttpd("lighttpd-conf/cgi.conf").port
    ann = enter(port)
    same((ann.status, ann.one("X-Logged-In")), (200, "ann"), "as a CGI program")
    site.put("team-u-ann", "red\n")
    same(info(port, ann).json()["team"], "red", "with every hook")

    resource = Site(AUTHORIZATION_SERVER="False", DB_URL=site.settings["DB_URL"], TOKEN_HANDLER=site.settings["TOKEN_HANDLER"])
    with resource:
        pool = resource.pool(1)
        same(fcgi(pool.sock, "GET", "/userinfo", [cookie_header(ann)]).json()["team"], "red", "a resource server asks the authenticate hook, too")
        site.put("banned-u-ann")
        same(authorizer(pool.sock, "GET", "/app", [cookie_header(ann)]).status, 401, "which denies there")
        site.drop("banned-u-ann")

if os.path.exists(GRPCD):
    import grpc_site as g
    with g.GrpcSite(REFRESH_RESTRICT_MINUTES="0") as site:
        answers = site.path("answers")
        os.mkdir(answers)
        with open(os.path.join(answers, "user-ann"), "w") as f:
            json.dump({"user_id": "u-ann", "scopes": ["read", "write"]}, f)
        with open(os.path.join(answers, "fresh-u-ann"), "w") as f:
            f.write("read\n")
        site.settings["TOKEN_HANDLER"] = f"module:{LIBS}/files.so,{answers}"
        site.write_config()
        pool, daemon = site.pool(1), site.daemon()
        ann = fcgi(pool.sock, "POST", "/token", [FORM], form(username="ann", password="x"))
        with g.channel(daemon.address) as ch:
            refresh = g.refresher(ch)
            same(g.code(refresh, g.request("u-ann", ann.json()["token"]))[0], "OK", "the refresh daemon has the module as well")
            same(site.text("answers/log").splitlines()[-1], "refresh - - u-ann", "which it asks without a request")
            a = fcgi(pool.sock, "GET", "/userinfo", [cookie_header(ann), STILL])
            same(a.json()["scopes"], ["read"], "and what it says counts")
            open(os.path.join(answers, "gone-u-ann"), "w").close()
            g.code(refresh, g.request("u-ann", ann.json()["token"]))
            same(fcgi(pool.sock, "GET", "/userinfo", [cookie_header(ann)]).status, 401, "denied there, the session has ended")

# What is said at start, by all programs alike.
for setting, words in ((f"module:{LIBS}/none.so", "none.so: No such file"), (f"module:{LIBS}/empty.so", "defines no tpauth_module"),
                       (f"module:{LIBS}/other.so", "is a module of version 99"), (f"module:{LIBS}/mute.so", "has no on_token"),
                       (f"module:{LIBS}/lost.so", "undefined symbol"), ("module:files.so", "absolute path"),
                       (f"module:{LIBS}/files.so,=1", "cannot be opened: denied")):
    with Site(TOKEN_HANDLER=setting, LOG_TARGET="stderr") as site:
        status, said = check(site.config, PROGRAM, "--check-config")
        ok(status == 78 and "TOKEN_HANDLER" in said and words in said, f"--check-config: {words}", f"{status} {said}")
        status, said = check(site.config, os.path.join(BUILD, "tpauth"), "check")
        ok(status == 78 and "TOKEN_HANDLER" in said and words in said, f"tpauth check: {words}", f"{status} {said}")
with ModuleSite(LOG_TARGET="stderr") as site:
    same(check(site.config, PROGRAM, "--check-config")[0], 0, "--check-config takes a good one")
    same(check(site.config, os.path.join(BUILD, "tpauth"), "check")[0], 0, "tpauth check, too")
    copy = site.path("copy.so")
    shutil.copy(os.path.join(LIBS, "files.so"), copy)
    os.chmod(copy, 0o666)
    site.settings["TOKEN_HANDLER"] = f"module:{copy},{site.answers}"
    site.write_config()
    status, said = check(site.config, PROGRAM, "--check-config")
    ok(status == 78 and "writable by everybody" in said, "a file that everybody may write to is refused", said)

# Exactly the functions on claims and calls, in each program that loads modules.
with open(os.path.join(SRC, "src", "hook", "module.sym")) as f:
    promised = sorted(line.strip(" \t\n;") for line in f if line.startswith("\t"))
for program in (PROGRAM, os.path.join(BUILD, "tpauth"), GRPCD):
    if os.path.exists(program):
        out = subprocess.run(["nm", "-D", "--defined-only", program], capture_output=True, text=True).stdout
        got = sorted(line.split()[-1] for line in out.splitlines() if line.split()[-1].startswith("tpauth_"))
        same(got, promised, f"{os.path.basename(program)} has what a module may call")

done()
