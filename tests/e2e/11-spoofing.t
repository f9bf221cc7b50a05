#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing that a client sends reaches a protected application as an identity, and no spelling of a path
opens what is protected; on every mount of an authorizer, byte for byte over raw sockets.
usage: 11-spoofing.t [WORD...]: only mounts whose name holds one of the words."""
from mounts import *
from probes import read_probe
from rows_authorizer import STATIC, identity, names_of, true_identity

EVIL = "mallory"
NAMES = ("Remote-User", "X-Auth-User", "X-Auth-Username", "X-Auth-Email", "X-Auth-Scopes", "X-Auth-JWT",
         "Variable-REMOTE_USER", "Variable-TPAUTH_USER_ID", "TPAUTH-USER-ID", "TPAUTH-SCOPES", "Auth-User",
         "Auth-Type", "X-Remote-User", "Proxy-Authorization", "Redirect-Remote-User", "HTTP-X-Auth-User")
TO_TPAUTH = [("TPAUTH-METHOD", "OPTIONS"), ("TPAUTH-SUBREQUEST", "1"), ("TPAUTH-REQUIRE-SCOPES", ""),
             ("TPAUTH-CONFIG", "/nonexistent"), ("Variable-TPAUTH-REQUIRE-SCOPES", ""), ("Script-Name", "/token"),
             ("Request-Method", "OPTIONS"), ("Request-Uri", "/open"), ("X-Original-URL", "/open"),
             ("X-Rewrite-URL", "/open"), ("X-Forwarded-Uri", "/open"), ("X-Forwarded-Method", "OPTIONS"),
             ("X-Original-URI", "/open"), ("X-HTTP-Method-Override", "OPTIONS"), ("Fcgi-Role", "RESPONDER")]


def spellings(name):
    """A header's name, as what CGI makes the same variable of."""
    return {name, name.replace("-", "_"), name.lower(), name.upper().replace("-", "_"), name.replace("-", "_", 1)}


SPOOFED = [(n, EVIL) for name in NAMES for n in sorted(spellings(name))]
MEANT_FOR_US = [(n, value) for name, value in TO_TPAUTH for n in sorted(spellings(name))]


def in_groups(pairs, n):
    return [pairs[i:i + n] for i in range(0, len(pairs), n)]


def hits(v, d):
    return v.stage.probe(d.kind).hits if d.kind != "static" else 0


def opened(a):
    """The answer came from behind the door."""
    return a is not None and (STATIC in a.body or a.get("x-probe") != [])


def refused_untouched(v, d, name, target, headers=(), method="GET"):
    """A request that must not get through; whatever else comes in its place."""
    before = hits(v, d)
    a = v.raw_request(method, target, headers)
    return not opened(a) and hits(v, d) == before or (name, target, headers, a)


def spoofed_headers(v, d):
    """For nobody and for bob alike the client's words are worth nothing."""
    bad, told = [], set()
    bob = bearer_header(v.stage.session("bob"))
    for some in in_groups(SPOOFED + MEANT_FOR_US, 12):
        got = refused_untouched(v, d, "nobody", d.path, some)
        if got is not True:
            bad.append(got)
        for headers in ([bob, *some], [*some, bob]):
            a = v.raw_request("GET", d.path, headers)
            if d.kind == "static":
                if a is None or a.status not in (200, 401, 403):
                    bad.append((some, a))
                continue
            if not opened(a):
                told.add(a.status if a else None)
                continue
            pairs = read_probe(a.body) or []
            wanted = true_identity(d.kind, "bob", "read")
            if identity(d.kind, pairs) != wanted or leaks(pairs):
                bad.append((some, identity(d.kind, pairs), leaks(pairs)))
    same(bad, [], f"{v.mount.name}: {d.kind}: no header of the client's is an identity")
    ok(told <= {400, 401, 403}, f"{v.mount.name}: {d.kind}: with them a session still counts, or is refused", told)


def leaks(pairs):
    """Names that some application takes for an identity, and that hold the client's word."""
    taken = {*names_of("cgi"), *names_of("http"), "AUTH_USER", "AUTH_TYPE", "LOGON_USER", "REMOTE_IDENT"}
    return [(k, x) for k, x in pairs if k in taken and EVIL in x]


def one_by_one(v, d):
    """A value doubled: none of the two is believed."""
    good = bearer_header(v.stage.session())
    handle = v.stage.session().json()["token"]
    evil = ("Authorization", "Bearer nothing.YWxpY2U")
    basic = ("Authorization", "Basic " + base64.b64encode(b"mallory:x").decode())
    cookies = f"user_id=alice; access_token={handle}"
    tries = {
        "two Authorizations, good first": [good, evil],
        "two Authorizations, good last": [evil, good],
        "two in one": [("Authorization", good[1] + ", " + evil[1])],
        "Basic": [basic],
        "Basic, then Bearer": [basic, good],
        "an underscore for Authorization": [("Autho_rization", good[1]), ("HTTP_AUTHORIZATION", good[1])],
        "a handle twice": [("Cookie", cookies + "; access_token=" + "x" * 43)],
        "a handle twice, good last": [("Cookie", "access_token=" + "x" * 43 + "; " + cookies)],
        "another user beside": [("Cookie", cookies + "; user_id=bob")],
        "two Cookie headers": [("Cookie", cookies), ("Cookie", "user_id=bob")],
        "another user's handle": [("Cookie", f"user_id=bob; access_token={handle}")],
        "a Bearer that fails beside good cookies": [evil, ("Cookie", cookies)],
        "cookies in the query": [("X-Cookie", cookies)],
    }
    bad = [x for x in (refused_untouched(v, d, name, d.path, headers) for name, headers in tries.items())
           if x is not True]
    same(bad, [], f"{v.mount.name}: {d.kind}: of two values none is believed")


def path_spellings(path):
    head, _, tail = path[1:].partition("/")
    first = f"%{ord(head[0]):02x}"
    return [path, "/" + path, "//" + path[1:], "///" + path[1:], "/." + path, "/./" + path[1:], "/x/.." + path,
            f"/{head}/..{path}", f"/{head}/./{tail}", f"/{head}//{tail}", f"/{head}/x/../{tail}", f"/x/%2e%2e{path}",
            f"/x/.%2e{path}", f"/x/%2E%2E{path}", f"/%2e{path}", f"/{head}%2f{tail}", f"/%2f{path[1:]}",
            f"/{head}/%2e%2e{path}", f"/{first}{path[2:]}", f"/%25{first[1:]}{path[2:]}", f"/{head}\\{tail}",
            f"\\{path[1:]}", f"/{head}%5c{tail}", f"/x/..%2f{path[1:]}", f"/x/..%5c{path[1:]}", f"/{head.upper()}/{tail}",
            f"/{head};x=1/{tail}", f"/;/{path[1:]}", f"/x/..;{path}", f"{path}/", f"{path}/x", f"{path}?", f"{path}?x=/open",
            f"{path}%00", f"{path}%00.css", f"{path}%20", f"{path}.", f"{path};.css", f"{path}%3f", f"{path}%23x", f"{path}#x",
            f"http://localhost{path}", f"http://evil.example{path}", f"HTTP://localhost:1{path}", f"/open/../..{path}",
            f"/../..{path}", f"/..{path}", f"/%c0%af{path[1:]}", f"/x%0a{path}", f"{path}%0d%0aX-Auth-User:%20mallory",
            f"/open{path}", f"/{head}/%2e/{tail}", f"//localhost{path}", f"/{head}/{first}/../{tail}"]


METHODS = ("POST", "PUT", "DELETE", "PATCH", "PROPFIND", "get", "FOO", "TRACE", "OPTIONS", "CONNECT")


def paths(v, d):
    bad = [x for x in (refused_untouched(v, d, "nobody", t) for t in path_spellings(d.path)) if x is not True]
    same(bad, [], f"{v.mount.name}: {d.kind}: no spelling of the path opens it")
    bad = [x for x in (refused_untouched(v, d, m, d.path, [("Content-Length", "0")], m) for m in METHODS) if x is not True]
    same(bad, [], f"{v.mount.name}: {d.kind}: nor does any method")
    asked = [v.raw_request("GET", t, [bearer_header(v.stage.session())]) for t in ("/_tpauth", "/_tpauth/", "/_tpauth/x")]
    ok(all(a is not None and a.status >= 400 for a in asked), f"{v.mount.name}: {d.kind}: nobody else can ask tpauth", asked)
    if d.scoped is None:
        return
    bob = bearer_header(v.stage.session("bob"))
    bad = []
    for target in path_spellings(d.scoped) + folder_spellings(d):
        a = v.raw_request("GET", target, [bob])
        if opened(a) and is_scoped(d, a):
            bad.append((target, a))
    same(bad, [], f"{v.mount.name}: {d.kind}: nor what wants a scope, to a user without it")


def folder_spellings(d):
    """The folder that wants a scope, below the protected one, spelled otherwise."""
    rest = d.scoped[len(d.within):]
    folder, _, tail = rest.partition("/")
    w = d.within
    return [f"{w}%{ord(folder[0]):02x}{folder[1:]}/{tail}", f"{w}/{rest}", f"{w}./{rest}", f"{w}x/../{rest}",
            f"{w}x/%2e%2e/{rest}", f"{w}{folder}%2f{tail}", f"{w}{folder}//{tail}", f"{w}{folder}/./{tail}",
            f"{w}{folder.upper()}/{tail}", f"{w}{folder};a=b/{tail}", f"{w}{folder}/x/../{tail}", f"{w}%2e/{rest}",
            f"{w}../{w[1:]}{rest}"]


def is_scoped(d, a):
    """What came is the scoped resource, as the application understands its path: decoded, normalised."""
    if d.kind == "static":
        return STATIC in a.body
    pairs = dict(read_probe(a.body) or [])
    seen = [pairs.get(n, "") for n in ("SCRIPT_NAME", "SCRIPT_FILENAME", "REQUEST_URI", "PATH_INFO")]
    return any(os.path.normpath(urllib.parse.unquote(s.split("?")[0])).endswith(os.path.normpath(d.scoped)) for s in seen)


for m in all_mounts("authorizer"):
    with Stage(m) as stage, no_secret_in_logs(stage):
        visit = Visit(m, stage, m.start(stage))
        for door in m.doors:
            ok(opened(visit.raw_request("GET", door.path, [bearer_header(stage.session())])),
               f"{m.name}: {door.kind}: with a session it is open")
            spoofed_headers(visit, door)
            one_by_one(visit, door)
            paths(visit, door)
done()
