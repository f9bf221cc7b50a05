#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One Redis for tpauth and the Python original: what the original writes, byte for byte, is a session here, and
what stands there after tpauth has written it is what the original reads. The original is played by its commands
and by what its reader asks of a token, in both of its layouts of databases."""
import hmac

from grpc_site import *

HANDLE = "Vy3Zn4MVLLfifneYUA7Tm7"
OTHER = "TGajE2ZmmVu58wBZMjLr67"
CLAIMS = {"username": "Admin", "email": None, "user_id": "user1", "scopes": ["user:read", "user:write"],
          "issued_to": "127.0.0.1", "iss": "prismaticain", "exp": 0, "iat": 0, "token_type": "access"}


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mac(text):
    return b64(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest())


def jwt(**changes):
    """As PyJWT makes it: no blanks, the header in this order, no kid."""
    now = int(time.time())
    claims = {**CLAIMS, "exp": now + 86400, "iat": now, **changes}
    text = ".".join(b64(json.dumps(x, separators=(",", ":")).encode())
                    for x in ({"alg": "HS256", "typ": "JWT"}, claims))
    return text + "." + mac(text)


class Seed:
    """The original's writer and reader. Its server has HEXPIRE; on one that has not, the key expires."""

    def __init__(self, site, login_db, restrict_db):
        self.site, self.login, self.restrict = site, login_db, restrict_db
        self.has_hexpire = site.command(0, "COMMAND", "INFO", "HEXPIRE").strip() not in ("", "(nil)")

    def write(self, user, handle, token, window=True):
        value = '{"token":"%s","expire":1440}' % token
        self.site.command(self.login, "HSET", user, handle, value)
        if self.has_hexpire:
            self.site.command(self.login, "HEXPIRE", user, "86400", "FIELDS", "1", handle)
        else:
            self.site.command(self.login, "EXPIRE", user, "86400")
        if window:
            self.site.command(self.restrict, "SET", f"{user}__{handle}", "restricted", "EX", "120")

    def open_window(self, user, handle):
        return self.site.command(self.restrict, "DEL", f"{user}__{handle}")

    def window(self, user, handle):
        key = f"{user}__{handle}"
        ttl = int(self.site.command(self.restrict, "TTL", key))
        return self.site.command(self.restrict, "GET", key), 100 < ttl <= 120

    def value(self, user, handle):
        return self.site.command(self.login, "HGET", user, handle)

    def ends(self, user, handle):
        """Seconds until the field, or where fields cannot expire its key, is gone."""
        if self.has_hexpire:
            return int(self.site.command(self.login, "HTTL", user, "FIELDS", "1", handle).split()[-1])
        return int(self.site.command(self.login, "TTL", user))

    def read(self, user, handle):
        """The claims, by everything that the original checks; or the step that fails."""
        value = self.value(user, handle)
        stored = json.loads(value)
        if list(stored) != ["token", "expire"] or type(stored["expire"]) is not int:
            return f"not its two members: {list(stored)}"
        if value != '{"token":"%s","expire":%d}' % (stored["token"], stored["expire"]):
            return "not its bytes"
        head, claims, signature = stored["token"].split(".")
        if signature != mac(head + "." + claims):
            return "the signature"
        head, claims, now = json.loads(unb64(head)), json.loads(unb64(claims)), time.time()
        if head.get("alg") != "HS256" or head.get("typ") != "JWT":
            return f"the header: {head}"
        if not (claims["exp"] > now and claims["iat"] <= now and claims.get("nbf", 0) <= now) or "aud" in claims:
            return f"the times, or the audience: {claims}"
        kinds = {"username": str, "email": (str, type(None)), "user_id": str, "scopes": list, "token_type": str,
                 "iss": str, "exp": int, "iat": int}
        for name, kind in kinds.items():
            if not isinstance(claims[name], kind):
                return f"{name}: {claims[name]!r}"
        return claims if claims["token_type"] == "access" and stored["expire"] == 1440 else "its kind"


def cookies(user, handle):
    return ("Cookie", f"user_id={user}; access_token={handle}")


def bearer(user, handle):
    return ("Authorization", f"Bearer {handle}.{b64(user.encode())}")


def reads_the_original(name, site, seed, pool, refresh):
    token = jwt()
    seed.write("user1", HANDLE, token)
    a = fcgi(pool.sock, "GET", "/userinfo", [cookies("user1", HANDLE)])
    want = json.loads(unb64(token.split(".")[1]))
    same((a.status, a.json()), (200, want), f"{name}: /userinfo by cookies, every claim as it was")
    a = fcgi(pool.sock, "GET", "/userinfo", [bearer("user1", HANDLE)])
    same((a.status, a.json()), (200, want), f"{name}: /userinfo by bearer")
    a = authorizer(pool.sock, "GET", "/app/", [cookies("user1", HANDLE)])
    same((a.status, a.one("variable-remote_user")), (200, "user1"), f"{name}: the authorizer")
    a = fcgi(pool.sock, "GET", "/sessions", [cookies("user1", HANDLE)])
    same([(s["current"], s["started_at"], s["refreshed_at"], s["ip"]) for s in a.json()["sessions"]],
         [(True, None, want["iat"], None)], f"{name}: /sessions, with what is known")
    a = fcgi(pool.sock, "POST", "/refresh", [bearer("user1", HANDLE)])
    same((a.status, a.json()["refreshed"]), (200, False), f"{name}: its window holds here")
    same(code(refresh, request("user1", HANDLE), timeout=20), ("OK", ""), f"{name}: and by gRPC")
    same(seed.value("user1", HANDLE), '{"token":"%s","expire":1440}' % token, f"{name}: nothing was written")

    for way in ("HTTP", "gRPC"):
        seed.write("user1", HANDLE, jwt(iat=int(time.time()) - 300), window=False)
        seed.open_window("user1", HANDLE)
        before = seed.value("user1", HANDLE)
        if way == "HTTP":
            a = fcgi(pool.sock, "POST", "/refresh", [bearer("user1", HANDLE)])
            same((a.status, a.json()["refreshed"]), (200, True), f"{name}: refreshed by HTTP")
        else:
            same(code(refresh, request("user1", HANDLE), timeout=20), ("OK", ""), f"{name}: refreshed by gRPC")
        ok(seed.value("user1", HANDLE) != before, f"{name}: by {way} it was written anew")
        claims = seed.read("user1", HANDLE)
        same(isinstance(claims, dict) and claims["user_id"], "user1", f"{name}: the original reads it")
        same(seed.window("user1", HANDLE), ("restricted", True), f"{name}: and its window")
        ok(86300 < seed.ends("user1", HANDLE) <= 86400, f"{name}: it ends", seed.ends("user1", HANDLE))

    same(fcgi(pool.sock, "POST", "/logout", [cookies("user1", HANDLE)]).status, 200, f"{name}: logout")
    same(seed.value("user1", HANDLE), "", f"{name}: the field is gone")


def refuses(name, site, seed, pool, refresh):
    """What the original takes, and what it fails on."""
    for what, token in [("another user's token", jwt(user_id="user2")), ("no user_id", jwt(user_id=None)),
                        ("a string of scopes", jwt(scopes="user:read")), ("over", jwt(exp=int(time.time()) - 5)),
                        ("a refresh token", jwt(token_type="refresh")), ("another issuer", jwt(iss="other")),
                        ("no signature", jwt()[:-5] + "AAAAA")]:
        seed.write("user1", OTHER, token, window=False)
        got = [fcgi(pool.sock, "GET", "/userinfo", [h("user1", OTHER)]).status for h in (cookies, bearer)]
        got += [fcgi(pool.sock, "POST", p, [cookies("user1", OTHER)]).status for p in ("/refresh", "/logout")]
        got.append(authorizer(pool.sock, "GET", "/app/", [cookies("user1", OTHER)]).status)
        same(got, [401] * 5, f"{name}: refused: {what}")
        before = seed.value("user1", OTHER)
        code(refresh, request("user1", OTHER), timeout=20)
        same(seed.value("user1", OTHER), before, f"{name}: not refreshed by gRPC: {what}")
        site.command(seed.login, "DEL", "user1")


def is_read_by_the_original(name, site, seed, pool):
    a = fcgi_login(pool.sock, "user1")
    handle = a.json()["token"]
    same((a.status, len(handle)), (200, 43), f"{name}: a login here")
    claims = seed.read("user1", handle)
    same(isinstance(claims, dict) and (claims["user_id"], claims["iss"]), ("user1", "prismaticain"),
         f"{name}: the original reads it")
    same(seed.window("user1", handle), ("restricted", True), f"{name}: and its window")
    same(site.command(seed.login, "TYPE", "user1"), "hash", f"{name}: a hash for the user")
    ok(86300 < seed.ends("user1", handle) <= 86400, f"{name}: it ends")
    # The original's own refresh and logout of a session of ours.
    seed.write("user1", handle, jwt(), window=True)
    same(fcgi(pool.sock, "GET", "/userinfo", [cookies("user1", handle)]).status, 200, f"{name}: refreshed over there")
    site.command(seed.login, "HDEL", "user1", handle)
    same(fcgi(pool.sock, "GET", "/userinfo", [cookies("user1", handle)]).status, 401, f"{name}: logged out over there")


# As the original documents its databases, as they are where its DB_URL carries a number, and on a server with the
# command that the original takes for granted.
HEXPIRE = ["--loadmodule", os.path.join(BUILD, "tests/module/hexpire.so")]
for name, login_db, restrict_db, words in [("9 and 8", 9, 8, []), ("all in 0", 0, 0, []), ("HEXPIRE", 9, 8, HEXPIRE)]:
    with GrpcSite(words, LOGIN_REDIS_DB=login_db, REFRESH_RESTRICT_DB=restrict_db, REFRESH_RECHECK="False") as site, \
            no_secret_in_logs(site, HANDLE, OTHER):
        seed = Seed(site, login_db, restrict_db)
        ok(seed.has_hexpire or not words, f"{name}: the server has what it is told")
        pool, daemon = site.pool(2), site.daemon()
        with channel(daemon.address) as ch:
            reads_the_original(name, site, seed, pool, refresher(ch))
            refuses(name, site, seed, pool, refresher(ch))
            is_read_by_the_original(name, site, seed, pool)
done()
