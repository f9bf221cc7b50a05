# SPDX-License-Identifier: MIT
"""The mounts under Apache httpd."""
from mounts import *
from rows_authorizer import NO_SCOPE, NOT_AUTHENTICATED, UNPROVED

FCGID_WORKERS = 4  # FcgidMaxProcessesPerClass of the shipped configurations
# A reload replaces the daemon by which mod_cgid starts programs. A request in that moment finds its socket
# away, nobody behind it, or the old daemon ending; its error log has one of these lines for each.
CGID_LOST = r"\[cgid:error\] .* AH(?:02833|01258|10246): .*/tpauth\.cgi: "
EXACT = Deviation("exact paths: the web server's own answer", status(404))
SLASH = Deviation("Apache answers 404 itself to an encoded slash", status(404))
UNKNOWN = ("/nowhere", "/tokenfoo", "/token/", "/userinfo/x", "/TOKEN", "/api", "/userinfo%2fx",
           "/sessions/x/y")
EXACT_DEVIATIONS = {f"GET {p}": EXACT for p in UNKNOWN}
MOUNT_DEVIATIONS = {"GET /userinfo%2fx": SLASH}
CHUNKED = {"cgi: PUT, chunked": Deviation("mod_cgid tells a program no length of a chunked body", ("0", "PUT"))}


def untyped(refusal):
    number, challenge, _, body = refusal
    want = (number, challenge, "text/html; charset=iso-8859-1", body)
    return Deviation("mod_authnz_fcgi loses the Content-Type of a refusal", want)


def untyped_refusals(kind):
    return {f"{kind}: nobody": untyped(NOT_AUTHENTICATED), f"{kind}: scoped, nobody": untyped(NOT_AUTHENTICATED),
            f"{kind}: nowhere, nobody": untyped(NOT_AUTHENTICATED), f"{kind}: unknown bearer": untyped(UNPROVED),
            f"{kind}: one cookie of the two": untyped(NOT_AUTHENTICATED), f"{kind}: stale cookies": untyped(UNPROVED), f"{kind}: scope missing": untyped(NO_SCOPE),
            f"{kind}: after the logout": Deviation(untyped(UNPROVED).why, (200, untyped(UNPROVED).want))}


class Apache(Mount):
    server = "apache"
    graceful = True

    @property
    def pool_size(self):
        """mod_fcgid starts workers as they are wanted. A reload in that moment loses requests: its manager ends
        with the question for a worker unanswered, and ends a worker before the program has begun to run."""
        return FCGID_WORKERS if "fcgid" in self.modules else 0

    conf = ()
    modules = ()
    changes = ()
    more = ""

    def start(self, stage):
        open(stage.log, "a").close()  # whoever writes first may be root; the workers are not
        self.server_process = stage.apache(self.conf, self.modules, self.more, self.changes)
        return self.server_process.port

    def reload(self):
        self.server_process.send(signal.SIGUSR1)

    def lost_by_itself(self, stage):
        return len(re.findall(CGID_LOST, stage.text("apache.log")))


# Responders ----------------------------------------------------------------------------------------

@mount
class FcgidExact(Apache):
    name = "Apache, mod_fcgid on exact paths"
    conf = "apache-conf/mod_fcgid.conf"
    modules = ("fcgid",)
    deviations = EXACT_DEVIATIONS


@mount
class FcgidMount(Apache):
    name = "Apache, mod_fcgid below a path"
    conf = "apache-conf/mod_fcgid-mount-point.conf"
    modules = ("fcgid",)
    prefix = "/auth"
    deviations = MOUNT_DEVIATIONS


@mount
class ProxyFcgi(Apache):
    name = "Apache, mod_proxy_fcgi to a pool"
    conf = "apache-conf/mod_proxy_fcgi.conf"
    modules = ("proxy", "proxy_fcgi")
    deviations = EXACT_DEVIATIONS

    def start_pool(self, stage):
        self.pool_process = stage.pool(4)
        if os.getuid() == 0:
            shutil.chown(self.pool_process.sock, "www-data", "www-data")

    def start(self, stage):
        self.start_pool(stage)
        return super().start(stage)


@mount
class CgiExact(Apache):
    name = "Apache, CGI on exact paths"
    conf = "apache-conf/mod_cgid.conf"
    modules = ("cgid",)
    deviations = EXACT_DEVIATIONS


@mount
class CgiMount(Apache):
    name = "Apache, CGI below a path"
    conf = "apache-conf/mod_cgid-mount-point.conf"
    modules = ("cgid",)
    prefix = "/auth"
    deviations = MOUNT_DEVIATIONS


class SharedHosting(Apache):
    """What a customer has: a web folder with a .htaccess and the two-line script, and a folder of settings
    outside of it. The host's own configuration is in `more`."""
    htaccess = ""
    script = "tpauth.fcgi"
    overrides = "FileInfo AuthConfig"
    deviations = EXACT_DEVIATIONS

    def start(self, stage):
        home, web = stage.path("home"), stage.path("www")
        os.makedirs(web)
        os.makedirs(home)
        os.symlink(PROGRAM, os.path.join(home, "tpauth.fcgi"))
        for name in ("users", "groups", "state", "tpauth.log"):
            os.symlink(stage.path(name), os.path.join(home, name))
        with open(os.path.join(home, "secret"), "w") as f:
            f.write(SECRET + "\n")
        customer = [("/home/alice/tpauth", home), ("tpauth.fcgi/$1", self.script + "/$1")]
        self.settle(stage, stage.shipped("cgi-bin/tpauth.conf", customer), os.path.join(home, "tpauth.conf"))
        shutil.copy(stage.shipped(self.htaccess, customer), os.path.join(web, ".htaccess"))
        script = os.path.join(web, self.script)
        shutil.copy(stage.shipped("cgi-bin/tpauth.sh", customer), script)
        os.chmod(script, 0o755)
        self.more = (f'TypesConfig /dev/null\n<Directory "{web}">\nAllowOverride {self.overrides}\n'
                     'Options +ExecCGI\n</Directory>\n<Files ".ht*">\nRequire all denied\n</Files>\n')
        return super().start(stage)


    def settle(self, stage, shipped, config):
        """The shipped settings, and what a test wants besides or instead."""
        with open(shipped) as f:
            lines = f.read().splitlines()
        if not stage.settings["TOKEN_HANDLER"].startswith("htpasswd:"):
            lines = [line for line in lines if not line.startswith("TOKEN_HANDLER")]
        given = {line.split(" = ")[0] for line in lines} | {"SECRET_KEY"}
        lines += [f"{k} = '{v}'" for k, v in stage.settings.items() if k not in given]
        with open(config, "w") as f:
            f.write("\n".join(lines) + "\n")
        stage.config = config


@mount
class Htaccess(SharedHosting):
    name = "Apache, .htaccess with CGIPassAuth, mod_fcgid"
    htaccess = "apache-conf/htaccess"
    modules = ("fcgid", "rewrite", "mime")


@mount
class HtaccessCgi(Htaccess):
    name = "Apache, .htaccess with CGIPassAuth, CGI"
    modules = ("cgid", "rewrite", "mime")
    script = "tpauth.cgi"


@mount
class HtaccessNoAuthconfig(SharedHosting):
    name = "Apache, .htaccess without AuthConfig, mod_fcgid"
    htaccess = "apache-conf/htaccess-no-authconfig"
    modules = ("fcgid", "rewrite", "mime")
    overrides = "FileInfo"


@mount
class HtaccessNoAuthconfigCgi(HtaccessNoAuthconfig):
    name = "Apache, .htaccess without AuthConfig, CGI"
    modules = ("cgid", "rewrite", "mime")
    script = "tpauth.cgi"


# Authorizers ---------------------------------------------------------------------------------------

class Authorizer(Apache):
    roles = ("authorizer",)
    doors = [Door("static", "/app/page.txt", "/app/admin/page.txt"),
             Door("cgi", "/app/cgi-bin/x.cgi", "/app/cgi-bin/admin/x.cgi"),
             Door("http", "/app/proxy/x", "/app/proxy/admin/x")]
    deviations = CHUNKED
    modules = ("headers", "setenvif", "dir", "cgid", "proxy", "proxy_http")

    def start(self, stage):
        stage.static("app/page.txt", "app/admin/page.txt")
        stage.link(stage.probe("cgi").program, "../cgi-bin/x.cgi", "../cgi-bin/admin/x.cgi")
        self.changes = [("/usr/lib/cgi-bin", stage.path("cgi-bin")),
                        ("127.0.0.1:8080", f"127.0.0.1:{stage.probe('http').port}"), *self.changes]
        return super().start(stage)


@mount
class AccessChecker(Authorizer):
    name = "Apache, authorizer of mod_fcgid"
    login_page = "/login"
    conf = ["apache-conf/mod_fcgid.conf", "apache-conf/authorizer-mod_fcgid.conf"]
    modules = ("fcgid", "lua", *Authorizer.modules)

    def start(self, stage):
        self.changes = [("/etc/tpauth/authorizer-mod_fcgid.lua",
                         stage.shipped("apache-conf/authorizer-mod_fcgid.lua"))]
        return super().start(stage)


@mount
class AuthnzFcgi(Authorizer):
    name = "Apache, mod_authnz_fcgi"
    conf = "apache-conf/authorizer-mod_authnz_fcgi.conf"
    deviations = {**CHUNKED, **untyped_refusals("static"), **untyped_refusals("cgi"), **untyped_refusals("http")}
    modules = ("authnz_fcgi", "authn_core", "authz_user", *Authorizer.modules)

    def start_pool(self, stage):
        self.pool_process = stage.pool(4, port=self.pool_port)

    def start(self, stage):
        self.pool_port = free_port()
        self.start_pool(stage)
        self.changes = [("127.0.0.1:9110", self.pool_process.sock)]
        return super().start(stage)
