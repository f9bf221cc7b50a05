# SPDX-License-Identifier: MIT
"""What every mount of the responder answers: each endpoint's status, headers and body as specified, and
what may not be lost between the client and tpauth."""
from mounts import *

MAX_BODY = 65536
ORIGIN = "https://app.example.org"
CORS = [("access-control-allow-credentials", "true"), ("access-control-allow-origin", ORIGIN)]
EXPOSED = ("access-control-expose-headers", "X-Request-ID, Retry-After, WWW-Authenticate")
COOKIE_ATTRIBUTES = "; HttpOnly; Path=/; SameSite=strict; Secure"
INVALID = ("www-authenticate", 'Bearer error="invalid_token"')


def answer(number, body, *headers):
    """The essence of an answer with a JSON body."""
    return number, sorted([*COMMON, JSON, NO_STORE, *headers]), body.encode()


def error(number, word, detail, *headers):
    return answer(number, f'{{"error":"{word}","error_description":"{detail}","detail":"{detail}"}}', *headers)


def bodyless(essence):
    return essence[0], essence[1], b""


UNPROVED = error(401, "invalid_token", "Could not validate credentials", INVALID)
NO_CREDENTIAL = answer(401, '{"detail":"Not authenticated"}', ("www-authenticate", "Bearer"))
NOT_FOUND = error(404, "not_found", "Not Found")
HEALTHY = answer(200, '{"status":200}')


def not_allowed(methods):
    return error(405, "method_not_allowed", "Method Not Allowed", ("allow", methods))


def logged_in(user, scope, handle):
    user64 = base64.urlsafe_b64encode(user.encode()).decode().rstrip("=")
    return answer(200, f'{{"user_id":"{user}","token":"{handle}","access_token":"{handle}.{user64}",'
                  f'"token_type":"bearer","expires_in":86400,"scope":"{scope}"}}',
                  ("pragma", "no-cache"), ("set-cookie", f"user_id={user}" + COOKIE_ATTRIBUTES),
                  ("set-cookie", f"access_token={handle}" + COOKIE_ATTRIBUTES))


def handle_of(a):
    return a.cookies().get("access_token", "no handle")


def word(a):
    """Status and "error" of an answer; None for a body that is not ours."""
    if a is None or a.one("content-type") != JSON[1]:
        return a and (a.status, None)
    return a.status, a.json().get("error")


def alice(v):
    """One session for all rows that only read it."""
    if not hasattr(v, "alice"):
        v.alice = v.login()
    return v.alice


# POST /token ---------------------------------------------------------------------------------------

CREDENTIALS = form(username="alice", password=PASSWORDS["alice"])


@row("responder", "POST /token")
def _(v):
    a = v.ask("POST", "/token", [FORM], CREDENTIALS)
    return a.essence(), logged_in("alice", "read write", handle_of(a))


@row("responder", "POST /token, multipart")
def _(v):
    body = "".join(f'--xx\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{x}\r\n' for k, x in
                   (("username", "alice"), ("password", PASSWORDS["alice"]), ("scope", "read"))) + "--xx--\r\n"
    a = v.ask("POST", "/token", [("Content-Type", "multipart/form-data; boundary=xx")], body)
    return a.essence(), logged_in("alice", "read", handle_of(a))


@row("responder", "POST /token, chunked")
def _(v):
    half = len(CREDENTIALS) // 2
    chunks = "".join(f"{len(c):x}\r\n{c}\r\n" for c in (CREDENTIALS[:half], CREDENTIALS[half:], ""))
    a = v.raw_request("POST", v.mount.prefix + "/token", [REQUEST_ID, FORM, ("Transfer-Encoding", "chunked")],
                      chunks.encode())
    return (a.essence(), logged_in("alice", "read write", handle_of(a))) if a else (None, "an answer")


@row("responder", "POST /token, wrong password")
def _(v):
    a = v.ask("POST", "/token", [FORM], form(username="bob", password="wrong"))
    return a.essence(), error(400, "invalid_grant", "Wrong user name or password")


@row("responder", "POST /token, too many attempts")
def _(v):
    # The sixth, unless a second has passed since the fifth: then the next, or the one after it.
    for _ in range(12):
        a = v.ask("POST", "/token", [FORM], form(username="user42", password="wrong"))
        if a.status == 429:
            break
    wait = a.one("retry-after") or ""
    return a.essence(), error(429, "slow_down", "Too many attempts; try again later",
                              ("retry-after", wait if wait.isdigit() and int(wait) > 0 else "seconds"))


@row("responder", "POST /token, foreign Origin")
def _(v):
    a = v.ask("POST", "/token", [FORM, ("Origin", "https://evil.example")], CREDENTIALS)
    return a.essence(), error(403, "access_denied", "Requests from this origin are not accepted")


@row("responder", "POST /token, from an origin of CORS_URLS")
def _(v):
    a = v.ask("POST", "/token", [FORM, ("Origin", ORIGIN)], CREDENTIALS)
    number, headers, body = logged_in("alice", "read write", handle_of(a))
    return a.essence(), (number, sorted([*headers, *CORS, EXPOSED]), body)


@row("responder", "POST /token, JSON")
def _(v):
    a = v.ask("POST", "/token", [("Content-Type", "application/json")], "{}")
    return word(a), (415, "invalid_request")


@row("responder", "POST /token, credentials in the query")
def _(v):
    a = v.ask("POST", "/token?username=alice", [FORM], CREDENTIALS)
    return a.essence(), error(400, "invalid_request", "username may not be in the query")


@row("responder", "GET /token")
def _(v):
    return v.ask("GET", "/token").essence(), not_allowed("POST")


# bodies --------------------------------------------------------------------------------------------

def padded(size):
    """A login of so many bytes; a single field may not have more than 4096."""
    out = CREDENTIALS
    while len(out) < size:
        out += ("&padding%02d=" % (len(out) // 4000) + "x" * 4000)[:max(size - len(out), 12)]
    return out[:size]


@row("responder", "a body of 0 bytes")
def _(v):
    return v.ask("POST", "/token", [FORM], "").essence(), error(400, "invalid_request", "the field username is missing")


@row("responder", "a body of 1 byte")
def _(v):
    return v.ask("POST", "/token", [FORM], "x").essence(), error(400, "invalid_request", "the field username is missing")


@row("responder", "a body of MAX_BODY_BYTES")
def _(v):
    a = v.ask("POST", "/token", [FORM], padded(MAX_BODY))
    return a.essence(), logged_in("alice", "read write", handle_of(a))


@row("responder", "a body of MAX_BODY_BYTES + 1")
def _(v):
    a = v.ask("POST", "/token", [FORM], padded(MAX_BODY + 1))
    return word(a), (413, "invalid_request")


@row("responder", "a chunked body of MAX_BODY_BYTES + 1")
def _(v):
    body = padded(MAX_BODY + 1)
    a = v.raw_request("POST", v.mount.prefix + "/token", [REQUEST_ID, FORM, ("Transfer-Encoding", "chunked")],
                      f"{len(body):x}\r\n{body}\r\n0\r\n\r\n".encode())
    return word(a), (413, "invalid_request")


# POST /refresh -------------------------------------------------------------------------------------

def refreshed(v, header):
    a = v.ask("POST", "/refresh", [header], "")
    left, wait = a.json().get("expires_in"), a.one("retry-after")
    good = isinstance(left, int) and 86000 < left <= 86400 and wait is not None and 0 < int(wait) <= 120
    return a, (left, wait) if good else ("expires_in", "retry-after")


@row("responder", "POST /refresh, cookies")
def _(v):
    a, (left, wait) = refreshed(v, cookie_header(alice(v)))
    return a.essence(), answer(200, '{"user_id":"alice","token_type":"bearer","expires_in":' f'{left},'
                               '"scope":"read write","refreshed":false}', ("retry-after", wait))


@row("responder", "POST /refresh, bearer")
def _(v):
    a, (left, wait) = refreshed(v, bearer_header(alice(v)))
    j = alice(v).json()
    return a.essence(), answer(200, f'{{"user_id":"alice","token":"{j["token"]}","access_token":"{j["access_token"]}",'
                               f'"token_type":"bearer","expires_in":{left},"scope":"read write","refreshed":false}}',
                               ("retry-after", wait))


@row("responder", "POST /refresh, nobody")
def _(v):
    return v.ask("POST", "/refresh", [], "").essence(), NO_CREDENTIAL


@row("responder", "GET /refresh")
def _(v):
    return v.ask("GET", "/refresh").essence(), not_allowed("POST")


# /userinfo -----------------------------------------------------------------------------------------

def claims(a):
    j = a.json()
    return answer(200, '{"user_id":"alice","username":"alice","email":null,"scopes":["read","write"],'
                  f'"iss":"prismaticain","iat":{j.get("iat")},"exp":{j.get("iat", 0) + 86400},"token_type":"access"}}')


@row("responder", "GET /userinfo, cookies")
def _(v):
    a = v.ask("GET", "/userinfo", [cookie_header(alice(v))])
    return a.essence(), claims(a)


@row("responder", "GET /userinfo, bearer")
def _(v):
    a = v.ask("GET", "/userinfo", [bearer_header(alice(v))])
    return a.essence(), claims(a)


@row("responder", "GET /userinfo, long headers")
def _(v):
    cookies = cookie_header(alice(v))[1]
    a = v.ask("GET", "/userinfo", [("Cookie", "other=" + "c" * 3000 + "; " + cookies), ("X-Long", "x" * 4000)])
    return a.essence(), claims(a)


@row("responder", "GET /userinfo with a query")
def _(v):
    a = v.ask("GET", "/userinfo?a=%2Fb&c=//d", [bearer_header(alice(v))])
    return a.essence(), claims(a)


@row("responder", "HEAD /userinfo")
def _(v):
    a = v.ask("HEAD", "/userinfo", [bearer_header(alice(v))])
    return a.essence(), answer(200, "")


@row("responder", "POST /userinfo")
def _(v):
    a = v.ask("POST", "/userinfo", [bearer_header(alice(v))], "")
    return a.essence(), claims(a)


@row("responder", "GET /userinfo, own page of CORS_URLS")
def _(v):
    a = v.ask("GET", "/userinfo", [bearer_header(alice(v)), ("Origin", ORIGIN)])
    number, headers, body = claims(a)
    return a.essence(), (number, sorted([*headers, *CORS, EXPOSED]), body)


@row("responder", "GET /userinfo, nobody")
def _(v):
    return v.ask("GET", "/userinfo").essence(), NO_CREDENTIAL


@row("responder", "GET /userinfo, unknown bearer")
def _(v):
    return v.ask("GET", "/userinfo", [("Authorization", "Bearer nothing.YWxpY2U")]).essence(), UNPROVED


@row("responder", "GET /userinfo, two Authorizations")
def _(v):
    good = bearer_header(alice(v))
    a = v.raw_request("GET", v.mount.prefix + "/userinfo", [REQUEST_ID, good, ("Authorization", "Bearer x.eA")])
    b = v.raw_request("GET", v.mount.prefix + "/userinfo", [REQUEST_ID, ("Authorization", "Bearer x.eA"), good])
    return [word(a), word(b)], [(400, "invalid_request")] * 2


@row("responder", "GET /userinfo, a cookie twice")
def _(v):
    a = v.ask("GET", "/userinfo", [("Cookie", cookie_header(alice(v))[1] + "; user_id=bob")])
    return word(a), (400, "invalid_request")


@row("responder", "DELETE /userinfo")
def _(v):
    return v.ask("DELETE", "/userinfo").essence(), not_allowed("GET, HEAD, POST")


@row("responder", "OPTIONS /userinfo, no preflight")
def _(v):
    return v.ask("OPTIONS", "/userinfo").essence(), not_allowed("GET, HEAD, POST")


# AUTH_URL, where it can be reached --------------------------------------------------------------------

def auth_row(name):
    def register(function):
        @row("responder", name)
        def _(v):
            return function(v) if v.mount.auth_url else None
    return register


@auth_row("GET /auth, bearer")
def _(v):
    a = v.ask("GET", "/auth", [bearer_header(alice(v))])
    return a.essence(), (200, sorted([*COMMON, NO_STORE, ("x-auth-user", "alice"), ("x-auth-username", "alice"),
                                      ("x-auth-scopes", "read write")]), b"")


@auth_row("GET /auth, nobody")
def _(v):
    return v.ask("GET", "/auth").essence(), NO_CREDENTIAL


@auth_row("GET /auth, two Authorizations")
def _(v):
    a = v.raw_request("GET", v.mount.prefix + "/auth",
                      [bearer_header(alice(v)), ("Authorization", "Bearer x.eA")])
    return word(a), (401, "invalid_token")


@auth_row("GET /auth, the client's TPAUTH_*")
def _(v):
    a = v.ask("GET", "/auth", [("TPAUTH-METHOD", "OPTIONS"), ("TPAUTH_METHOD", "OPTIONS"), ("Origin", ORIGIN),
                               ("Access-Control-Request-Method", "GET"), ("X-Forwarded-Method", "OPTIONS")])
    return a.status, 401


# preflights ----------------------------------------------------------------------------------------

def preflight(v, path, origin):
    return v.ask("OPTIONS", path, [("Origin", origin), ("Access-Control-Request-Method", "POST"),
                                   ("Access-Control-Request-Headers", "authorization, x-own")]).essence()


@row("responder", "preflight")
def _(v):
    want = (204, sorted([*COMMON, *CORS, ("access-control-allow-headers", "authorization, x-own"),
                         ("access-control-allow-methods", "GET, POST, DELETE, PUT, OPTIONS, PATCH"),
                         ("access-control-max-age", "600")]), b"")
    return [preflight(v, p, ORIGIN) for p in ("/token", "/api/healthcheck")], [want, want]


@row("responder", "preflight, foreign")
def _(v):
    return preflight(v, "/token", "https://evil.example"), error(400, "invalid_request", "Disallowed CORS origin")


# /logout -------------------------------------------------------------------------------------------

GONE = [("set-cookie", f'{n}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; '
         "SameSite=strict; Secure") for n in ("user_id", "access_token")]


@row("responder", "POST /logout")
def _(v):
    cookies = cookie_header(v.login("user1"))
    first = v.ask("POST", "/logout", [cookies], "").essence()
    return [first, v.ask("GET", "/userinfo", [cookies]).essence()], [answer(200, '{"status":200}', *GONE), UNPROVED]


@row("responder", "POST /logout?all=true")
def _(v):
    one, two = (bearer_header(v.login("user2")) for _ in range(2))
    first = v.ask("POST", "/logout?all=true", [one], "").status
    return (first, v.ask("GET", "/userinfo", [two]).status), (200, 401)


@row("responder", "POST /logout, nobody")
def _(v):
    return v.ask("POST", "/logout", [], "").essence(), NO_CREDENTIAL


# /sessions -----------------------------------------------------------------------------------------

def sid(a):
    digest = hashlib.sha256(a.json()["token"].encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def listed(a, *ids):
    """The user's sessions as listed, the first of them the one that asks; and what that must be. The time, the
    address and the agent are those of the mount, and checked for their form."""
    entries = []
    for n, i in enumerate(ids):
        e = next((s for s in a.json().get("sessions", []) if s.get("id") == i), {})
        t = e.get("started_at", 0)
        address = e.get("ip") if e.get("ip") in ("127.0.0.1", "::1") else "an address"
        entries.append((n, t, f'{{"id":"{i}","current":{str(n == 0).lower()},"started_at":{t},"refreshed_at":{t},'
                        f'"expires_at":{t + 86400},"ip":"{address}","agent":"e2e \\"agent\\""}}'))
    first, *others = entries
    order = [first] + sorted(others, key=lambda e: -e[1])
    return answer(200, f'{{"total":{len(ids)},"sessions":[' + ",".join(e[2] for e in order) + "]}")


def two_sessions(v, user):
    agent = ("User-Agent", 'e2e "agent"')
    v.ask("POST", "/logout?all=true", [bearer_header(v.login(user))], "")
    return [v.ask("POST", "/token", [FORM, agent], form(username=user, password=PASSWORDS[user])) for _ in range(2)]


@row("responder", "GET /sessions")
def _(v):
    one, two = two_sessions(v, "user3")
    a = v.ask("GET", "/sessions", [cookie_header(one)])
    b = v.ask("GET", "/sessions", [bearer_header(two)])
    return [a.essence(), b.essence()], [listed(a, sid(one), sid(two)), listed(b, sid(two), sid(one))]


@row("responder", "HEAD /sessions")
def _(v):
    one, _ = two_sessions(v, "user3")
    return v.ask("HEAD", "/sessions", [bearer_header(one)]).essence(), answer(200, "")


@row("responder", "DELETE /sessions/ID")
def _(v):
    one, two = two_sessions(v, "user3")
    path = "/sessions/" + sid(two)
    first, again = (v.ask("DELETE", path, [cookie_header(one)]).essence() for _ in range(2))
    return ([first, again, v.ask("GET", "/userinfo", [bearer_header(two)]).essence()],
            [answer(200, '{"status":200,"ended":1}'), NOT_FOUND, UNPROVED])


@row("responder", "DELETE /sessions/ID, one's own")
def _(v):
    one, _ = two_sessions(v, "user3")
    return (v.ask("DELETE", "/sessions/" + sid(one), [cookie_header(one)]).essence(),
            answer(200, '{"status":200,"ended":1}', *GONE))


@row("responder", "DELETE /sessions/ID, foreign Origin")
def _(v):
    one, two = two_sessions(v, "user3")
    a = v.ask("DELETE", "/sessions/" + sid(two), [cookie_header(one), ("Origin", "https://evil.example")])
    return ([a.essence(), v.ask("GET", "/userinfo", [bearer_header(two)]).status],
            [error(403, "access_denied", "Requests from this origin are not accepted"), 200])


@row("responder", "DELETE /sessions/ID, another user's")
def _(v):
    a = v.ask("DELETE", "/sessions/" + sid(alice(v)), [cookie_header(v.login("user3"))])
    return a.essence(), NOT_FOUND


@row("responder", "DELETE /sessions")
def _(v):
    one, two = two_sessions(v, "user3")
    a = v.ask("DELETE", "/sessions", [cookie_header(one)])
    return ([a.essence(), v.ask("GET", "/userinfo", [bearer_header(two)]).status,
             v.ask("GET", "/userinfo", [bearer_header(one)]).status],
            [answer(200, '{"status":200,"ended":1}'), 401, 200])


@row("responder", "GET /sessions, nobody")
def _(v):
    return v.ask("GET", "/sessions").essence(), NO_CREDENTIAL


@row("responder", "POST /sessions")
def _(v):
    return v.ask("POST", "/sessions", [], "").essence(), not_allowed("GET, HEAD, DELETE")


@row("responder", "GET /sessions/ID")
def _(v):
    return v.ask("GET", "/sessions/x").essence(), not_allowed("DELETE")


# the rest ------------------------------------------------------------------------------------------

@row("responder", "GET /api/healthcheck")
def _(v):
    return v.ask("GET", "/api/healthcheck").essence(), HEALTHY


@row("responder", "HEAD /api/healthcheck")
def _(v):
    return v.ask("HEAD", "/api/healthcheck").essence(), bodyless(HEALTHY)


@row("responder", "POST /api/healthcheck")
def _(v):
    return v.ask("POST", "/api/healthcheck", [], "").essence(), not_allowed("GET, HEAD")


@row("responder", "no X-Request-ID of the client's")
def _(v):
    a, b = (request(v.port, "GET", v.mount.prefix + "/api/healthcheck").one("x-request-id") for _ in range(2))
    return (bool(a and re.fullmatch(r"[A-Za-z0-9._-]{1,128}", a)), a != b), (True, True)


def unknown(path):
    """A path that is no endpoint's is never 200; on exact paths the web server says so itself."""
    @row("responder", "GET " + path)
    def _(v):
        return v.ask("GET", path).essence(), NOT_FOUND


for p in ("/nowhere", "/tokenfoo", "/token/", "/userinfo/x", "/TOKEN", "/api", "/userinfo%2fx", "/sessions/x/y"):
    unknown(p)


# documentation -------------------------------------------------------------------------------------

BUNDLE = "/docs/swagger-ui-bundle.js"


def asset(v, path):
    with open(v.stage.path("docs/" + path.rpartition("/")[2]), "rb") as f:
        return f.read()


def etag(body):
    return '"' + base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode().rstrip("=") + '"'


@row("responder", "GET /openapi.json")
def _(v):
    a = v.ask("GET", "/openapi.json")
    d = a.json()
    return ((a.status, a.one("content-type"), sorted(d["paths"]), d.get("servers"),
             d["components"]["securitySchemes"]["oauth2"]["flows"]["password"]["tokenUrl"]),
            (200, JSON[1], ["/api/healthcheck", "/auth", "/docs", "/docs/{file}", "/logout", "/openapi.json", "/redoc",
                            "/redoc/{file}", "/refresh", "/sessions", "/sessions/{id}", "/token", "/userinfo"],
             [{"url": v.mount.prefix}] if v.mount.prefix else None, v.mount.prefix + "/token"))


@row("responder", "GET /docs, /redoc")
def _(v):
    pages = [v.ask("GET", p) for p in ("/docs", "/redoc")]
    return [(a.status, a.one("content-type"), a.one("cache-control"), a.one("content-security-policy").split(";")[0],
             b"./openapi.json" in a.body) for a in pages], \
        [(200, "text/html; charset=utf-8", "no-store", "default-src 'none'", True)] * 2


@row("responder", "GET and HEAD the files of /docs and /redoc")
def _(v):
    got, want = [], []
    for path, kind in [("/docs/swagger-ui.css", "css"), (BUNDLE, "javascript"), ("/redoc/redoc.standalone.js", "javascript")]:
        body = asset(v, path)
        headers = [("cache-control", "no-cache"), ("content-type", f"text/{kind}; charset=utf-8"), ("etag", etag(body)),
                   ("x-content-type-options", "nosniff"), *COMMON]
        got += [v.ask(m, path).essence() for m in ("GET", "HEAD")]
        want += [(200, sorted(headers), body), (200, sorted(headers), b"")]
    same_body = got == want  # what differs need not be shown in megabytes
    return (same_body or [(g[0], g[1], len(g[2])) for g in got]), (True if same_body else [(w[0], w[1], len(w[2])) for w in want])


@row("responder", "GET a file of /docs that is known")
def _(v):
    tag = etag(asset(v, BUNDLE))
    a = v.ask("GET", BUNDLE, [("If-None-Match", tag)])
    return (a.status, a.one("etag"), a.body), (304, tag, b"")


@row("responder", "GET a file of /docs that is none")
def _(v):
    return v.ask("GET", "/docs/redoc.standalone.js").essence(), NOT_FOUND
