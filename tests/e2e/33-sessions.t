#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sessions in the hands of an administrator: listed, ended, and moved to another store and back, by which
nobody is logged out, nothing that ended comes back by itself, and no file makes a session that was none."""
import stat

from e2e import *

CTL = os.path.join(BUILD, "tpauth")
USERS = [f"user{i}" for i in range(100)]
HEAD = '{"format":"tpauth-sessions","version":1}'


def ctl(site, *args, stdin=None):
    return subprocess.run([CTL, "sessions", *args[:1], "--config", site.config, *args[1:]], input=stdin, capture_output=True,
                          text=True, timeout=120, env={"PATH": os.environ["PATH"], **sanitizers()})


def sid(handle):
    return base64.urlsafe_b64encode(hashlib.sha256(handle.encode()).digest()).decode().rstrip("=")


def userinfo(pool, header):
    return fcgi(pool.sock, "GET", "/userinfo", [header, ("refresh", "false")])


def holding(pool, logins):
    """How many of the logins are good by bearer, and by cookies, for the user that they were made for."""
    def good(header, user):
        a = userinfo(pool, header)
        return a.status == 200 and a.json()["user_id"] == user
    return (sum(good(bearer_header(a), a.json()["user_id"]) for a in logins),
            sum(good(cookie_header(a), a.json()["user_id"]) for a in logins))


def started(site, **settings):
    site.settings.update(settings)
    site.write_config()
    return site.pool(2)


with Site(REFRESH_RESTRICT_MINUTES="1s") as site, no_secret_in_logs(site):
    pool = started(site)
    logins = [fcgi_login(pool.sock, user) for user in USERS for _ in range(2)]
    same([a.status for a in logins], [200] * 200, "200 logins")
    one, two, three = (fcgi_login(pool.sock, "alice") for _ in range(3))

    # list and revoke
    r = ctl(site, "list", "alice", "--json")
    listed = json.loads(r.stdout)
    same((r.returncode, listed["total"], sorted(s["id"] for s in listed["sessions"])),
         (0, 3, sorted(sid(a.json()["token"]) for a in (one, two, three))), "list --json")
    same([sorted(s) for s in listed["sessions"]],
         [sorted(["id", "current", "started_at", "refreshed_at", "expires_at", "ip", "agent"])] * 3, "its members")
    same({s["ip"] for s in listed["sessions"]}, {"127.0.0.1"}, "where they came from")
    r = ctl(site, "list", "alice")
    lines = r.stdout.splitlines()
    same((r.returncode, lines[0].split()), (0, ["ID", "STARTED", "REFRESHED", "EXPIRES", "ADDRESS", "AGENT"]), "list")
    same(sorted(line.split()[0] for line in lines[1:]), sorted(s["id"] for s in listed["sessions"]), "its lines")
    handles = [a.json()["token"] for a in (one, two, three)]
    ok(not any(h in r.stdout for h in handles), "no handle is shown")
    r = ctl(site, "revoke", "--", "alice", sid(handles[1]))
    same((r.returncode, r.stdout), (0, "ended: 1\n"), "revoke")
    same([userinfo(pool, bearer_header(a)).status for a in (one, two, three)], [200, 401, 200], "that one ended")
    r = ctl(site, "revoke", "--json", "--", "alice", sid(handles[1]))
    same((r.returncode, r.stdout), (1, '{"ended":0}\n'), "revoke: there is none any more")
    same(ctl(site, "revoke", "--", "bob", sid(handles[0])).returncode, 1, "revoke: another user's")
    r = ctl(site, "revoke-all", "alice")
    same((r.returncode, r.stdout), (0, "ended: 2\n"), "revoke-all")
    same([userinfo(pool, bearer_header(a)).status for a in (one, three)], [401, 401], "all ended")
    same(ctl(site, "revoke-all", "alice").returncode, 1, "revoke-all: there is none any more")
    r = ctl(site, "list", "alice")
    same((r.returncode, len(r.stdout.splitlines())), (0, 1), "list: none")

    # wrong usage
    for args in ((), ("nothing",), ("list",), ("list", "--json"), ("revoke", "alice"), ("export", "x"),
                 ("list", "alice", "bob"), ("list", "alice", "--file", "x"), ("export", "--json")):
        r = subprocess.run([CTL, "sessions", *args], capture_output=True, text=True,
                           env={"PATH": os.environ["PATH"], "TPAUTH_CONFIG": site.config, **sanitizers()})
        ok(r.returncode in (64, 78) and r.stdout == "" and r.stderr, f"wrong: {' '.join(args) or 'nothing'}",
           (r.returncode, r.stderr))

    # to Redis
    out = site.path("sessions.jsonl")
    r = ctl(site, "export", "--file", out)
    same((r.returncode, r.stderr), (0, "tpauth sessions: written 200\n"), "export")
    same(stat.S_IMODE(os.stat(out).st_mode), 0o600, "for its owner's eyes")
    with open(out) as f:
        lines = f.read().split("\n")
    same((lines[0], lines[-2:]), (HEAD, ['{"sessions":200}', ""]), "first and last line")
    items = [json.loads(line) for line in lines[1:-2]]
    same({(i["user_id"], i["handle"]) for i in items},
         {(a.json()["user_id"], a.json()["token"]) for a in logins}, "what is in it")
    r = ctl(site, "export", "--file", out)
    same((r.returncode, open(out).read()), (69, "\n".join(lines)), "a file that is there is not written to")
    r = ctl(site, "export")
    same((r.returncode, sorted(r.stdout.split("\n"))), (0, sorted(lines)), "export into a pipe")

    ended = logins.pop()
    redis = site.redis()
    pool.stop()
    pool = started(site, DB_URL=f"unix://{redis.sock}")
    same(holding(pool, logins), (0, 0), "Redis knows nobody yet")
    r = ctl(site, "import", "--file", out)
    same((r.returncode, r.stderr), (0, "tpauth sessions: taken 200\n"), "import into Redis")
    same(holding(pool, logins), (199, 199), "everybody is logged in")
    r = ctl(site, "import", "--file", out)
    same((r.returncode, r.stderr), (0, "tpauth sessions: taken 0, there already 200\n"), "import again")

    a = fcgi(pool.sock, "POST", "/refresh", [bearer_header(logins[0])])
    same((a.status, a.json().get("refreshed")), (200, True), "refresh works there")
    same(fcgi(pool.sock, "POST", "/logout", [cookie_header(ended)]).status, 200, "logout works there")
    same(userinfo(pool, bearer_header(ended)).status, 401, "and counts")
    fresh = fcgi_login(pool.sock, "bob")
    with open(out) as f:
        before = next(i["value"] for i in items if i["handle"] == logins[0].json()["token"])
    r = ctl(site, "import", stdin=open(out).read().replace(
        f'"handle":"{ended.json()["token"]}"', f'"handle":"{"A" * 43}"'))
    same((r.returncode, "of another session" in r.stderr), (65, True), "a token under another handle is refused")

    # and back, into a folder of its own
    back = site.path("back.jsonl")
    same(ctl(site, "export", "--file", back).stderr, "tpauth sessions: written 200\n", "export from Redis")
    after = next(json.loads(line)["value"] for line in open(back) if logins[0].json()["token"] in line)
    ok(before != after, "the refreshed session is the refreshed one")
    pool.stop()
    pool = started(site, DB_URL=f"lmdb://{site.path('state')}/again")
    r = ctl(site, "import", "--file", back)
    same((r.returncode, r.stderr), (0, "tpauth sessions: taken 200\n"), "import into LMDB")
    same(holding(pool, [*logins, fresh]), (200, 200), "everybody is logged in there")
    same(userinfo(pool, bearer_header(ended)).status, 401, "who has logged out is out")

    # lines that are wrong: their number is said, and what came before them stays
    good = open(back).read().split("\n")
    other = site.path("other")
    site.settings["DB_URL"] = f"lmdb://{other}"
    site.write_config()
    item = json.loads(good[3])

    def bad(name, number, lines, taken):
        shutil.rmtree(other, ignore_errors=True)
        r = ctl(site, "import", stdin="\n".join(lines))
        same((r.returncode, r.stderr.split("\n")[0], f": line {number}: " in r.stderr),
             (65, f"tpauth sessions: taken {taken}", True), "import: " + name)
    bad("nothing", 1, [""], 0)
    bad("no first line", 1, good[1:], 0)
    bad("another version", 1, [HEAD.replace("1}", "2}"), *good[1:]], 0)
    bad("no last line", 12, [*good[:11], ""], 10)
    bad("a line cut short", 5, [*good[:4], good[4][:-9]], 3)
    bad("another count", 12, [*good[:11], '{"sessions":9}', ""], 10)
    bad("something behind the end", 13, [*good[:11], '{"sessions":10}', good[11], ""], 10)
    bad("no JSON", 4, [*good[:3], "x", *good[4:]], 2)
    bad("a member too many", 4, [*good[:3], json.dumps({**item, "x": 1}), *good[4:]], 2)
    bad("another user's", 4, [*good[:3], json.dumps({**item, "user_id": "alice"}), *good[4:]], 2)
    bad("no token", 4, [*good[:3], json.dumps({**item, "value": "{}"}), *good[4:]], 2)
    forged = item["value"].replace(".", ".e", 1)
    bad("a forged token", 4, [*good[:3], json.dumps({**item, "value": forged}), *good[4:]], 2)
    shutil.rmtree(other, ignore_errors=True)
    r = ctl(site, "import", stdin="\n".join([*good[:3], json.dumps({**item, "expires_at": 1000}), *good[4:]]))
    same((r.returncode, r.stderr), (0, "tpauth sessions: taken 199, ended 1\n"), "what has ended is left out")

    # another key: nothing verifies, nothing goes in
    site.settings["SECRET_KEY"] = "another-marker-secret-key-of-enough-bytes"
    site.write_config()
    same(ctl(site, "import", "--file", back).returncode, 65, "import under another key")
    r = ctl(site, "export")
    same((r.returncode, r.stdout.split("\n")), (0, [HEAD, '{"sessions":0}', ""]), "export under another key: nothing")
    ok("left out since they do not verify or are none 199" in r.stderr, "and says so", r.stderr)
    r = ctl(site, "list", good[1].split('"')[3])
    same((r.returncode, "(does not verify)" in r.stdout), (0, True), "list marks them")
done()
