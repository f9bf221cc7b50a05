# SPDX-License-Identifier: MIT
"""What every mount of an authorizer does: who may pass each kind of door, what the application behind it
is told, and what who may not pass is told. A mount without a door of the kind is not asked."""
from mounts import *
from probes import read_probe

BIG = 100000  # of a body, to be sent through to the application; above MAX_BODY_BYTES on purpose
STATIC = b"a protected page\n"
ENV_NAMES = ("REMOTE_USER", "TPAUTH_USER_ID", "TPAUTH_USERNAME", "TPAUTH_EMAIL", "TPAUTH_SCOPES", "TPAUTH_JWT")
HTTP_NAMES = ("HTTP_X_AUTH_USER", "HTTP_X_AUTH_USERNAME", "HTTP_X_AUTH_EMAIL", "HTTP_X_AUTH_SCOPES", "HTTP_X_AUTH_JWT",
              "HTTP_REMOTE_USER")
JSON_TYPE = "application/json"
NOT_AUTHENTICATED = (401, ["Bearer"], JSON_TYPE, b'{"detail":"Not authenticated"}')


def refusal(number, word, detail, *challenge):
    return (number, list(challenge), JSON_TYPE,
            f'{{"error":"{word}","error_description":"{detail}","detail":"{detail}"}}'.encode())


UNPROVED = refusal(401, "invalid_token", "Could not validate credentials", 'Bearer error="invalid_token"')
NO_SCOPE = refusal(403, "insufficient_scope", "Not enough permissions",
                   'Bearer error="insufficient_scope", scope="write"')
FOREIGN = refusal(403, "access_denied", "Requests from this origin are not accepted",
                  'Bearer error="insufficient_scope", scope=""')


def refused(a):
    """What matters of a refusal: status, challenge, type, body."""
    return a.status, a.get("www-authenticate"), a.one("content-type"), a.body


BROWSER = ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")


def sent_to(a):
    """Where a redirect to the login page leads: the page, and what it is told to return to."""
    if a.status not in (302, 303) or a.one("location") is None:
        return refused(a)
    url = urllib.parse.urlsplit(a.one("location"))
    return url.path, urllib.parse.parse_qs(url.query).get("return_to", [None])[0]


def names_of(kind):
    return HTTP_NAMES if kind == "http" else ENV_NAMES


def identity(kind, pairs):
    """All that an application of this kind may take for an identity, empty values left out."""
    return sorted((k, v) for k, v in pairs if k in names_of(kind) and v != "")


def true_identity(kind, user, scopes):
    values = (user, user, None, scopes)
    if kind == "http":
        return sorted((n, v) for n, v in zip(HTTP_NAMES, values) if v)
    return sorted([("REMOTE_USER", user), *((n, v) for n, v in zip(ENV_NAMES[1:], values) if v)])


def shown(v, kind, a):
    """What a door's page showed: the file, or whom the application was told."""
    if a.status != 200:
        return a.status, a.body
    if kind == "static":
        return 200, a.body
    pairs = read_probe(a.body)
    return 200, identity(kind, pairs) if pairs is not None else a.body


def want_shown(kind, user="alice", scopes="read write"):
    return 200, STATIC if kind == "static" else true_identity(kind, user, scopes)


def door_rows(kind):
    """The rows of one kind of door."""
    def ask(name):
        def register(function):
            @row("authorizer", f"{kind}: {name}")
            def _(v):
                doors = [d for d in v.mount.doors if d.kind == kind]
                return function(v, doors[0]) if doors else None
            return function
        return register

    @ask("nobody")
    def _(v, d):
        return refused(v.door("GET", d.path)), NOT_AUTHENTICATED

    @ask("unknown bearer")
    def _(v, d):
        return refused(v.door("GET", d.path, [("Authorization", "Bearer nothing.YWxpY2U")])), UNPROVED

    @ask("stale cookies")
    def _(v, d):
        return refused(v.door("GET", d.path, [("Cookie", "user_id=alice; access_token=" + "x" * 43)])), UNPROVED

    @ask("bearer")
    def _(v, d):
        return shown(v, kind, v.door("GET", d.path, [bearer_header(v.stage.session())])), want_shown(kind)

    @ask("cookies")
    def _(v, d):
        return shown(v, kind, v.door("GET", d.path, [cookie_header(v.stage.session())])), want_shown(kind)

    @ask("another user")
    def _(v, d):
        a = v.door("GET", d.path, [bearer_header(v.stage.session("bob"))])
        return shown(v, kind, a), want_shown(kind, "bob", "read")

    @ask("HEAD")
    def _(v, d):
        good = v.door("HEAD", d.path, [bearer_header(v.stage.session())])
        bad = v.door("HEAD", d.path)
        return (good.status, good.body, bad.status, bad.body), (200, b"", 401, b"")

    @ask("scope missing")
    def _(v, d):
        return d.scoped and (refused(v.door("GET", d.scoped, [bearer_header(v.stage.session("bob"))])), NO_SCOPE)

    @ask("scope there")
    def _(v, d):
        return d.scoped and (shown(v, kind, v.door("GET", d.scoped, [bearer_header(v.stage.session())])),
                             want_shown(kind))

    @ask("scoped, nobody")
    def _(v, d):
        return d.scoped and (refused(v.door("GET", d.scoped)), NOT_AUTHENTICATED)

    @ask("after the logout")
    def _(v, d):
        session = v.stage.session("user3", fresh=True)
        before = v.door("GET", d.path, [bearer_header(session)]).status
        v.stage.cgi("POST", "/logout", [bearer_header(session)])
        return (before, refused(v.door("GET", d.path, [bearer_header(session)]))), (200, UNPROVED)

    @ask("nowhere, nobody")
    def _(v, d):
        return refused(v.door("GET", d.within + "nowhere")), NOT_AUTHENTICATED

    @ask("one cookie of the two")
    def _(v, d):
        a = v.door("GET", d.path, [("Cookie", "access_token=" + v.stage.session().json()["token"])])
        return refused(a), NOT_AUTHENTICATED

    @ask("a browser, nobody")
    def _(v, d):
        return v.mount.login_page and (sent_to(v.door("GET", d.path, [BROWSER])), (v.mount.login_page, d.path))

    @ask("a browser, nobody, with a query")
    def _(v, d):
        target = d.path + "?a=%2Fb&c=//d"
        return v.mount.login_page and (sent_to(v.door("GET", target, [BROWSER])), (v.mount.login_page, target))

    @ask("a browser's POST, nobody")
    def _(v, d):
        return v.mount.login_page and (refused(v.door("POST", d.path, [BROWSER, FORM], "")), NOT_AUTHENTICATED)

    @ask("a browser, scope missing")
    def _(v, d):
        return v.mount.login_page and d.scoped and (
            refused(v.door("GET", d.scoped, [BROWSER, bearer_header(v.stage.session("bob"))])), NO_SCOPE)


def program_rows(kind):
    """Rows of doors with a program behind them."""
    def ask(name):
        def register(function):
            @row("authorizer", f"{kind}: {name}")
            def _(v):
                doors = [d for d in v.mount.doors if d.kind == kind]
                return function(v, doors[0]) if doors else None
            return function
        return register

    def told(a):
        return dict(read_probe(a.body) or {}) if a.status == 200 else {"status": a.status}

    @ask("POST by bearer")
    def _(v, d):
        t = told(v.door("POST", d.path, [FORM, bearer_header(v.stage.session())], "x" * BIG))
        return (t.get("BODY"), t.get("REQUEST_METHOD")), (str(BIG), "POST")

    @ask("POST by cookies, own page")
    def _(v, d):
        own = ("Origin", f"http://127.0.0.1:{v.port}")
        t = told(v.door("POST", d.path, [FORM, own, cookie_header(v.stage.session())], "x"))
        return t.get("BODY"), "1"

    @ask("POST by cookies, foreign page")
    def _(v, d):
        foreign = ("Origin", "https://evil.example")
        a = v.door("POST", d.path, [FORM, foreign, cookie_header(v.stage.session())], "x")
        return (a.status, a.body), (403, FOREIGN[3])

    @ask("PUT, chunked")
    def _(v, d):
        a = v.raw_request("PUT", d.path, [bearer_header(v.stage.session()), ("Transfer-Encoding", "chunked")],
                          b"5\r\nhello\r\n0\r\n\r\n")
        t = told(a) if a else {}
        return (t.get("BODY"), t.get("REQUEST_METHOD")), ("5", "PUT")

    @ask("a query and a raw path")
    def _(v, d):
        t = told(v.door("GET", d.path + "?a=%2Fb&c=//d", [bearer_header(v.stage.session())]))
        return t.get("REQUEST_URI"), d.path + "?a=%2Fb&c=//d"

    @ask("preflight")
    def _(v, d):
        a = v.door("OPTIONS", d.path, [("Origin", "https://app.example.org"),
                                       ("Access-Control-Request-Method", "PUT")])
        return shown(v, kind, a), (200, [])

    @ask("OPTIONS, nobody")
    def _(v, d):
        return v.door("OPTIONS", d.path).status, 401


for k in ("static", "cgi", "fcgi", "http"):
    door_rows(k)
for k in ("cgi", "fcgi", "http"):
    program_rows(k)
