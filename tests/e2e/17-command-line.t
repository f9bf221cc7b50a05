#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line beside a running service: a user's whole life, tokens of an administrator, keys that a service
starts with, signatures of others, and what bash completes."""
import pty
import re
import shlex
import stat

from e2e import *

CTL = os.path.join(BUILD, "tpauth")
JWS = os.path.join(SRC, "tests", "data", "jws")
COMPLETION = os.path.join(BUILD, "completion", "tpauth.bash")


def run(*args, stdin=None, env=None):
    return subprocess.run([CTL, *args], input=stdin, capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"], **sanitizers(), **(env or {})})


def log_in(pool, user, password):
    return fcgi(pool.sock, "POST", "/token", [FORM], form(username=user, password=password))


def holds(pool, bearer):
    return fcgi(pool.sock, "GET", "/userinfo", [("Authorization", "Bearer " + bearer), ("refresh", "false")]).status


def read(path):
    with open(path, "rb") as f:
        return f.read()


def a_users_life():
    with Site() as site, no_secret_in_logs(site, "first-password", "second-password"):
        config = ("--config", site.config)
        users, groups = site.path("users"), site.path("groups")
        with open(users, "a") as f:
            f.write("# kept as it is\nzoe:{SHA}x:more \n")
        os.chmod(users, 0o640)
        before, owner = read(users), os.stat(users)
        pool = site.pool(2)
        r = run("users", "add", "carol", "--scopes", "read user:audit", "--cost=4", "--password-stdin", *config,
                stdin="first-password\n")
        same((r.returncode, r.stdout, r.stderr), (0, "added: carol\n", ""), "users add")
        a = log_in(pool, "carol", "first-password")
        same((a.status, a.status == 200 and a.json()["scope"]), (200, "read user:audit"), "the login works at once, with the scopes")
        ok(read(users).startswith(before) and b"carol:$2y$04$" in read(users), "all other lines are as they were")
        now = os.stat(users)
        same((now.st_mode, now.st_uid, now.st_gid), (owner.st_mode, owner.st_uid, owner.st_gid), "mode and owner, too")
        same(read(groups), b"read: alice bob carol\nwrite: alice\nuser:audit: carol\n", "and the groups")
        r = run("users", "add", "carol", "--password-stdin", *config, stdin="x\n")
        ok(r.returncode == 1 and "there already" in r.stderr, "nobody is added twice", r)

        one, two = a.json()["access_token"], log_in(pool, "carol", "first-password").json()["access_token"]
        r = run("users", "passwd", "carol", "--cost=4", "--password-stdin", *config, stdin="second-password\n")
        same((r.returncode, r.stdout), (0, "changed: carol; sessions ended: 2\n"), "users passwd ends the sessions")
        same((holds(pool, one), holds(pool, two)), (401, 401), "which hold no more")
        same((log_in(pool, "carol", "first-password").status, log_in(pool, "carol", "second-password").status), (400, 200),
             "and the new password counts")
        r = run("users", "passwd", "nobody", "--password-stdin", *config, stdin="x\n")
        ok(r.returncode == 1 and "no such user" in r.stderr, "a name that is not there", r)

        r = run("users", "list", "--json", *config)
        listed = {u["user"]: u for u in json.loads(r.stdout)["users"]}
        same(listed["carol"], {"user": "carol", "scopes": ["read", "user:audit"], "usable": True}, "users list --json")
        same(listed["zoe"]["usable"], False, "says who cannot log in")
        ok("\ncarol: read user:audit\n" in run("users", "list", *config).stdout, "and for people")

        bearer = log_in(pool, "carol", "second-password").json()["access_token"]
        was = read(users)
        r = run("users", "remove", "carol", *config, "--db-url=unix://" + site.path("nobody.sock"), "--db-timeout=1")
        ok(r.returncode == 69 and "live on" in r.stderr and "revoke-all carol" in r.stderr,
           "a store that does not answer: the file is changed, and what is left to do is said", r)
        ok(read(users) != was and b"carol" not in read(users) + read(groups), "out of both files")
        same(holds(pool, bearer), 200, "and the session lives on, as was said")
        r = run("sessions", "revoke-all", "carol", *config)
        same((r.returncode, holds(pool, bearer)), (0, 401), "until it is ended")
        same(read(users), before, "the file is as it was before")

        bearer = fcgi_login(pool.sock, "bob").json()["access_token"]
        r = run("users", "remove", "bob", "--json", *config)
        same((r.returncode, json.loads(r.stdout)), (0, {"user": "bob", "done": "removed", "ended": 1}), "users remove --json")
        same((holds(pool, bearer), fcgi_login(pool.sock, "bob").status), (401, 400), "bob is out")
        same(read(groups), b"read: alice\nwrite: alice\nuser:audit:\n", "of the groups, too")
        same(run("users", "remove", "bob", *config).returncode, 1, "and cannot be taken out twice")


def files_without_settings():
    with Site() as site:
        f, g = site.path("new users"), site.path("new groups")
        files = ("--file", f, "--groups", g)
        r = run("users", "add", "d ora", "--password-stdin", *files, stdin="x\n")
        ok(r.returncode == 65 and "--create makes it" in r.stderr, "a file that is not there", r)
        r = run("users", "add", "d ora", "--scopes=read", "--create", "--cost=4", "--password-stdin", *files, stdin="pass\r\n")
        same((r.returncode, stat.S_IMODE(os.stat(f).st_mode) & 0o137), (0, 0), "--create makes it, and not for everybody")
        ok(read(f).startswith(b"d ora:$2y$04$") and read(g) == b'read: "d ora"\n', "with the user in it")
        r = run("users", "passwd", "d ora", "--password-stdin", *files, stdin="x\n")
        ok(r.returncode == 78 and "SECRET_KEY" in r.stderr, "without settings no session could be ended: nothing is done", r)
        was = read(f)
        r = run("users", "passwd", "d ora", "--keep-sessions", "--cost=4", "--password-stdin", *files, stdin="other\n")
        ok(r.returncode == 0 and read(f) != was, "unless that is wanted", r)
        for name in ("a:b", "#a", " a", "a\nb:x", "tpauth-x", ""):
            same(run("users", "add", "--password-stdin", *files, "--", name, stdin="x\n").returncode, 64, f"no name: {name!r}")
        was = read(f)
        for password in ("\n", "x" * 73 + "\n", "a\0b\n"):
            same(run("users", "add", "e", "--password-stdin", *files, stdin=password).returncode, 65,
                 f"no password: {password[:5]!r}")
        same(run("users", "add", "e", "--scopes=#read", "--password-stdin", *files, stdin="x\n").returncode, 64,
             "a scope that a group file cannot hold")
        with open(site.path("broken"), "w") as b:
            b.write("fine:x\nno colon\n")
        r = run("users", "add", "e", "--file", site.path("broken"), "--password-stdin", stdin="x\n")
        ok(r.returncode == 65 and "line 2: no ':'" in r.stderr, "a file that is none is not touched", r)
        same(read(f), was, "nothing was changed by all that")
        if os.geteuid() != 0:
            os.chmod(site.dir, 0o555)
            r = run("users", "remove", "d ora", "--keep-sessions", *files)
            os.chmod(site.dir, 0o755)
            same((r.returncode, read(f)), (73, was), "a folder that cannot be written: 73")
        many = [subprocess.Popen([CTL, "users", "add", f"many{i}", "--cost=4", "--password-stdin", *files], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for i in range(12)]
        for p in many:
            p.stdin.write("x\n")
            p.stdin.close()
        same([p.wait(60) for p in many], [0] * 12, "twelve at once")
        same(read(f).count(b"many"), 12, "and none is lost")


def at_a_terminal(*args, typed=b"", env=None, meanwhile=None):
    """Output and exit status of the command at a terminal of its own; meanwhile is called when it first asks."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(CTL, [CTL, *args], {"PATH": os.environ["PATH"], "TERM": "xterm", **sanitizers(), **(env or {})})
    out, waiting = b"", [t + b"\n" for t in typed]
    while True:
        try:
            got = os.read(fd, 4096)
        except OSError:
            break
        if not got:
            break
        out += got
        if waiting and got.endswith(b": "):
            if meanwhile is not None:
                meanwhile()
                meanwhile = None
            os.write(fd, waiting.pop(0))
    os.close(fd)
    return out.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def terminals():
    with Site() as site:
        f = site.path("users2")
        open(f, "w").close()
        add = ("users", "add", "eve", "--cost=4", "--file", f)
        out, status = at_a_terminal(*add, typed=[b"typed-once", b"typed-other"])
        ok(status == 65 and "differ" in out and read(f) == b"", "two passwords that differ", out)
        out, status = at_a_terminal(*add, typed=[b"typed-twice", b"typed-twice"])
        ok(status == 0 and read(f).startswith(b"eve:"), "asked twice", out)
        ok("typed" not in out, "and not shown")
        g = site.path("groups2")
        open(g, "w").close()
        add = ("users", "add", "mallory", "--cost=4", "--file", f, "--groups", g)
        out, status = at_a_terminal(*add, "--scopes=admin", typed=[b"typed-late", b"typed-late"],
                                    meanwhile=lambda: run(*add, "--password-stdin", stdin="x\n"))
        ok(status == 1 and "is there already" in out, "somebody else adds that user meanwhile", out)
        same((read(f).count(b"mallory"), read(g)), (1, b""), "who has no scopes of that")
        with open(f, "a") as text:
            text.write("\x1b[2Jx:{SHA}x\n\u009bx:{SHA}x\n")
        listed = run("users", "list", "--file", f).stdout
        ok("\n?[2Jx (cannot log in" in listed and "\n?x (cannot" in listed, "a name that a terminal would obey", listed)
        config = ("--config", site.config)
        out, status = at_a_terminal("token", "verify", "no.token", *config)
        same((status, "\x1b[" in out), (1, True), "colours at a terminal")
        out, status = at_a_terminal("token", "verify", "no.token", *config, env={"NO_COLOR": "1"})
        same((status, "\x1b[" in out), (1, False), "but not with NO_COLOR")
        ok("\x1b[" not in run("token", "verify", "no.token", *config).stdout, "nor in a pipe")


def tokens():
    with Site() as site, no_secret_in_logs(site):
        config = ("--config", site.config)
        pool = site.pool(2)
        r = run("token", "issue", "--user", "svc", "--scopes", "read user:x", "--claim", "email=s@example.org",
                "--expires", "60", *config)
        bearer = r.stdout.strip()
        a = fcgi(pool.sock, "GET", "/userinfo", [("Authorization", "Bearer " + bearer), ("refresh", "false")])
        ok(r.returncode == 0 and a.status == 200, "token issue: the bearer works", (r, a))
        claims = a.json()
        same((claims["user_id"], claims["scopes"], claims["email"]), ("svc", ["read", "user:x"], "s@example.org"),
             "with its claims")
        ok(0 < claims["exp"] - time.time() <= 61, "and its end")
        r = run("token", "verify", "--json", *config, stdin=bearer + "\n")
        v = json.loads(r.stdout)
        same((r.returncode, v["accepted"], v["user_id"], v["scopes"], v["reason"]), (0, True, "svc", ["read", "user:x"], None),
             "token verify takes it")
        r = run("token", "inspect", "--json", *config, stdin=bearer)
        i = json.loads(r.stdout)
        same((r.returncode, i["kind"], i["lives"], i["claims"]["user_id"]), (0, "opaque", True, "svc"), "token inspect shows it")
        r = run("sessions", "revoke-all", "svc", *config)
        same((r.returncode, holds(pool, bearer)), (0, 401), "it can be revoked")
        r = run("token", "verify", "-", *config, stdin=bearer)
        ok(r.returncode == 1 and r.stdout.startswith("accepted: no, "), "then verify refuses it", r)
        r = run("token", "inspect", "--json", *config, stdin=bearer)
        same((r.returncode, json.loads(r.stdout)["lives"]), (0, False), "and inspect says so")

        as_jwt = (*config, "--token-format=jwt")
        r = run("token", "issue", "--user=svc", "--json", *as_jwt)
        grant = json.loads(r.stdout)
        jwt = grant["access_token"]
        same((jwt.count("."), grant["user_id"], grant["token_type"]), (2, "svc", "bearer"), "a JWT, where that is the format")
        i = json.loads(run("token", "inspect", "--json", *config, stdin=jwt).stdout)
        same((i["kind"], i["verifies"], i["lives"], i["header"]["alg"]), ("jwt", True, True, "HS256"), "inspect: a JWT of ours")
        forged = jwt[:-3] + ("AAA" if jwt[-3:] != "AAA" else "BBB")
        i = json.loads(run("token", "inspect", "--json", *config, stdin=forged).stdout)
        same((i["verifies"], i["lives"], i["claims"]["user_id"]), (False, False, "svc"), "a forged one is shown, and called so")
        same(run("token", "verify", *config, stdin=forged).returncode, 1, "and refused")
        i = run("token", "inspect", stdin=jwt)
        ok(i.returncode == 0 and "verifies: not known" in i.stdout and 'user_id: "svc"' in i.stdout,
           "without settings it is shown, and nothing claimed", i)
        evil = jwt.split(".")[0] + "." + base64.urlsafe_b64encode('{"x\u009b31m":"\\u001b[31m"}'.encode()).decode().rstrip("=") + ".AA"
        for flags in [], ["--json"]:
            i = run("token", "inspect", *flags, stdin=evil)
            ok(i.returncode == 0 and "\x1b" not in i.stdout and "\u009b" not in i.stdout, f"nothing in it commands a terminal {flags}", i)
        same(json.loads(i.stdout)["claims"], {"x\u009b31m": "\x1b[31m"}, "and nothing of it is lost to a program")
        same(run("token", "inspect", *config, stdin="a.b.c").returncode, 65, "what is no JWT")
        same([run("token", "inspect", *config, stdin=text).returncode for text in ("", "handle-alone", "a.b.c.d")], [65] * 3,
             "nor what cannot be a token at all")
        r = run("tokens")
        ok(r.returncode == 64 and "no such command: tokens" in r.stderr, "a command that is none is named", r)
        same([run("token", "issue", *config, *a).returncode for a in
              ((), ("--user", "tpauth-x"), ("--user=a", "--claim=iss=me"), ("--user=a", "--claim=x"), ("--user=a", "--expires=0"),
               ("--user=a", '--scopes="'), ("--user=a", "operand"))], [64] * 7, "wrong usage of token issue")
        r = run("token", "issue", "--user=a", *config, "--authorization-server=False")
        ok(r.returncode == 78 and "AUTHORIZATION_SERVER" in r.stderr, "a resource server issues nothing", r)
        for verb in ("verify", "issue"):
            r = run("token", verb, *(["--user=a"] if verb == "issue" else []), *config, "--db-timeout=1",
                    "--db-url=unix://" + site.path("nobody.sock"), stdin=bearer)
            same(r.returncode, 69, f"token {verb} without the store")


def keys():
    for n, args in enumerate(((), ("--algorithm", "RS256"), ("--algorithm=RS256", "--bits=2048"))):
        with Site() as site:
            out = site.path("keys.env")
            r = run("keygen", *args, "--out", out)
            same((r.returncode, r.stdout, stat.S_IMODE(os.stat(out).st_mode)), (0, "", 0o600), f"keygen {' '.join(args)}")
            del site.settings["SECRET_KEY"]
            site.write_config()
            with open(site.config, "a") as f:
                f.write(read(out).decode())
            r = run("check", "--config", site.config)
            same((r.returncode, r.stderr), (0, ""), "the settings are good")
            pool = site.pool(1)
            same(fcgi_login(pool.sock).status, 200, "and a service starts with them")
            r = run("keygen", *args, "--out", out)
            ok(r.returncode == 73, "a file that is there stays", r)
            env = dict(line.split("=", 1) for line in run("keygen", *args).stdout.splitlines())
            env["LOG_TARGET"] = "stderr"
            r = run("check", "--state-dir", site.state, "--module-dir", MODULES, env=env)
            same(r.returncode, 0, "as an environment, too")
    with Site() as site:
        r = run("keygen", "--algorithm=RS256", "--bits=2048", "--out", site.path("k"), "--jwk")
        with open(site.path("jwk"), "w") as f:
            f.write(r.stdout)
        keys = dict(line.split("=", 1) for line in read(site.path("k")).decode().splitlines())
        del site.settings["SECRET_KEY"]
        site.settings.update(keys, TOKEN_FORMAT="jwt")
        site.write_config()
        jwt = fcgi_login(site.pool(1).sock).json()["access_token"]
        r = run("jws", "verify", "--jwk", site.path("jwk"), "--json", stdin=jwt)
        v = json.loads(r.stdout)
        same((r.returncode, v["alg"], v["kid"]), (0, "RS256", json.loads(read(site.path("jwk")))["kid"]),
             "the JWK verifies what the service signs")
    same([run("keygen", *a).returncode for a in (("--bits=2048",), ("--algorithm=RS256", "--bits=1024"), ("--algorithm=ES256",),
                                                 ("--algorithm=RS256", "--jwk"), ("x",), ("--bogus",))], [64] * 6,
         "wrong usage of keygen")
    first, second = (json.loads(run("keygen", "--json").stdout) for _ in range(2))
    ok(first["ALGORITHM"] == "HS256" and first["SECRET_KEY"] != second["SECRET_KEY"], "keygen --json")


def signatures():
    with Site() as site:
        def verify(name, jwk=None, **kw):
            return run("jws", "verify", "--jwk", os.path.join(JWS, (jwk or name) + ".jwk"), **kw,
                       stdin=read(os.path.join(JWS, name + ".jws")).decode() + "\n")
        for name in ("rfc7515-a1", "rfc7515-a2", "rfc7515-a3", "rfc7515-a4", "rfc8037-a4"):
            same(verify(name).returncode, 0, f"{name}: accepted")
        same([verify("rfc7515-a5", f"rfc7515-a{i}").returncode for i in (1, 2, 3, 4)], [1] * 4, "rfc7515-a5, none: refused")
        r = verify("rfc7515-a2", "rfc7515-a3")
        ok(r.returncode == 1 and r.stdout == "" and "refused: the key does not fit" in r.stderr, "another's key: refused", r)
        jwk, jws = os.path.join(JWS, "rfc7515-a1.jwk"), os.path.join(JWS, "rfc7515-a1.jws")
        text = read(jws).decode()
        same([run("jws", "verify", *a).returncode for a in
              (("--jwk", jwk, text), (text, "--jwk=" + jwk), ("--jwk", jwk, "--file", jws), ("--jwk", jwk, "--", text))],
             [0] * 4, "from an argument or a file")
        r = subprocess.run([CTL, "jws", "verify", "--jwk", jwk, "--file", jws, "--payload"], capture_output=True)
        same(r.stdout, b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}', "--payload")
        r = subprocess.run(["bash", "-c", f"{CTL} jws verify --jwk <(cat {jwk}) --file <(cat {jws})"], capture_output=True)
        same((r.returncode, r.stdout), (0, b"accepted: HS256\n"), "from pipes, too")
        same([run("jws", *a, stdin=text).returncode for a in
              ((), ("verify",), ("verify", "--jwk"), ("verify", "--jwk", "/nonexistent"), ("verify", "--jwk", jws), ("bogus",),
               ("verify", "--jwk", jwk, "--bogus"), ("verify", "--jwk", jwk, "a", "b"), ("verify", "--jwk", site.dir),
               ("verify", "--jwk", jwk, "--file", "/nonexistent"), ("verify-raw", "--jwk", jwk),
               ("verify-raw", "--alg=none", "--jwk", jwk, "--msg", jws, "--sig", jws))], [2] * 12, "wrong usage and files: 2")
        same(run("jws", "--help").returncode, 0, "jws --help")
        for alg in ("HS512", "RS384", "PS256", "ES256", "EdDSA"):
            msg, _, sig = read(os.path.join(JWS, alg + ".jws")).rpartition(b".")
            sig = base64.urlsafe_b64decode(sig + b"==")
            for name, data in (("msg", msg), ("sig", sig), ("bad", sig[:-1] + bytes([sig[-1] ^ 1])), ("none", b"")):
                with open(site.path(name), "wb") as f:
                    f.write(data)
            same([run("jws", "verify-raw", "--alg", alg, "--jwk", os.path.join(JWS, "keys.jwks"), "--msg", site.path("msg"),
                      "--sig", site.path(s)).returncode for s in ("sig", "bad", "none")], [0, 1, 1], f"verify-raw {alg}")


def complete(line):
    """What bash offers at the end of the line."""
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    script = (f"source {shlex.quote(COMPLETION)}; COMP_WORDS=({' '.join(map(shlex.quote, words))}); "
              f"COMP_CWORD={len(words) - 1}; _tpauth; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    r = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True)
    return r.stderr if r.returncode else sorted(x for x in r.stdout.split("\n") if x)


def completion():
    with Site() as site:
        open(site.path("a file"), "w").close()
        helped = [line.split()[1] for line in run("help").stdout.splitlines() if line.startswith("  tpauth ")]
        same(complete("tpauth "), sorted(helped), "bash completes each command")
        same(complete("tpauth us"), ["users"], "from its beginning")
        same(complete("tpauth users "), ["--help", "add", "list", "passwd", "remove"], "verbs")
        same(complete("tpauth users add bob --pass"), ["--password-file", "--password-stdin"], "flags of a verb")
        same(complete("tpauth users list --sc"), ["--scope-rules"], "no flag of another verb, but those of settings")
        same(complete("tpauth keygen --db"), [], "and those only where they are taken")
        same(complete(f"tpauth users add --file {shlex.quote(site.dir)}/a"), [site.path("a file")], "files")
        same(complete(f"tpauth check --config = {shlex.quote(site.dir)}/us"), [site.path("users")], "behind a '=' as well")
        same(complete("tpauth users add --scopes "), [], "nothing where nobody can know")
        same(complete("tpauth check --token-format "), ["jwt", "opaque"], "the words that a setting takes")
        same(complete("tpauth keygen --algorithm R"), ["RS256"], "and a command's flag of that name")
        settings = set(complete("tpauth check --")) - {"--help"}
        with open(os.path.join(BUILD, "man", "tpauth.1")) as f:
            manual = f.read().replace("\\-", "-")
        for command in helped:
            helps = run(command, "--help").stdout
            verbs = [v for v in complete(f"tpauth {command} ") if not v.startswith("--")] or [""]
            for call in ([command, *verb.split()] for verb in verbs):
                flags = {f for f in complete(f"tpauth {' '.join(call)} --") if f != "--help"}
                if call != ["check"]:  # which has tried them all
                    flags -= settings
                unknown = [f for f in flags if any(w in run(*call, f + "=x", "--", *["x"] * 9).stderr
                                                   for w in ("no such flag", "does not take"))]
                same(unknown, [], f"{' '.join(call)} knows each of the {len(flags)} flags of its own that are offered")
                told = [f for f in flags - settings if re.search(rf"{f}\b(?!-)", helps) and f"Fl {f[1:]}" in manual]
                same(sorted(told), sorted(flags - settings), f"{' '.join(call)}: its --help and the manual tell of them")


def usage():
    for command in ("check", "doc", "doctor", "keygen", "sessions", "store", "token", "users"):
        r = run(command, "--bogus")
        same((r.returncode, r.stdout), (64, ""), f"{command} --bogus: 64")
        r = run(command, "--help")
        ok(r.returncode == 0 and r.stdout.startswith(("usage: tpauth " + command)), f"{command} --help", r)
    for piece, word in (("help", "--db-url"), ("man", ".It Ev DB_URL"), ("readme", "| `DB_URL`"), ("env", "#DB_URL"),
                        ("completion", "complete -F")):
        r = run("doc", piece)
        ok(r.returncode == 0 and word in r.stdout, f"doc {piece}", r.stdout[:300])
    with Site() as site:
        site.settings["COOKIE_SAMESITE"] = "sideways"
        site.write_config()
        r = run("check", "--config", site.config)
        ok(r.returncode == 78 and "COOKIE_SAMESITE" in r.stderr and "sideways" in r.stderr, "check tells what would fail", r)


a_users_life()
files_without_settings()
terminals()
tokens()
keys()
signatures()
completion()
usage()
done()
