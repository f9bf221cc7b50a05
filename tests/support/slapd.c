/* SPDX-License-Identifier: MIT */
#include "support/slapd.h"

#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/certs.h"
#include "support/folder.h"

#include "base/banned.h"

#define PROGRAM "/usr/sbin/slapd"

enum { TRIES = 500, PAUSE_US = 20000, TEXT = 4096 };

static pid_t server;
static int port, tls_port;

/* clang-format off */
static const char settings[] =
	"include /etc/ldap/schema/core.schema\n"
	"include /etc/ldap/schema/cosine.schema\n"
	"include /etc/ldap/schema/inetorgperson.schema\n"
	"modulepath /usr/lib/ldap\n"
	"moduleload memberof\n"
	"pidfile %s/slapd.pid\n"
	"%s"
	"database ldif\n"
	"suffix dc=example,dc=org\n"
	"directory %s/data\n"
	"access to attrs=userPassword by anonymous auth by * none\n"
	"access to dn.subtree=ou=hidden,dc=example,dc=org by dn=cn=reader,dc=example,dc=org read\n"
	"	by anonymous auth by * none\n"
	"access to * by * read\n";
/* clang-format on */

bool slapd_is_installed(void)
{
	return access(PROGRAM, X_OK) == 0;
}

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static _Noreturn void become(const char *program, const char *const *argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(program, (char *const *)(uintptr_t)argv);
	perror(program);
	_exit(127);
}

static void run(const char *program, const char *const *argv)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		become(program, argv);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s: status %d", program, status);
}

static char *keep(const char *text)
{
	char *s = strdup(text);

	ck_assert_ptr_nonnull(s);
	return s;
}

static void write_settings(bool tls)
{
	char text[TEXT], more[1024] = "", dir[256];

	snprintf(dir, sizeof(dir), "%s", folder_path(""));
	if (tls) {
		certs_authority("ca");
		certs_issue("server", "ca", "IP:127.0.0.1,IP:0.0.0.0", 1);
		snprintf(more, sizeof(more),
			 "TLSCertificateFile %s/server.pem\nTLSCertificateKeyFile "
			 "%s/server.key\nTLSCACertificateFile %s/ca.pem\n",
			 dir, dir, dir);
	}
	snprintf(text, sizeof(text), settings, dir, more, dir);
	folder_write("slapd.conf", text);
}

static bool is_up(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool up;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", folder_path("ldapi"));
	up = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return up;
}

static void launch(const char *program, const char *conf, bool tls)
{
	char urls[TEXT];
	int n;

	port = free_port();
	tls_port = free_port();
	n = snprintf(urls, sizeof(urls), "ldapi://%s ldap://127.0.0.1:%d", slapd_ldapi(), port);
	if (tls)
		snprintf(urls + n, sizeof(urls) - (size_t)n, " ldaps://127.0.0.1:%d", tls_port);
	server = fork();
	if (server == 0) {
		const char *const argv[] = { "slapd", "-f", conf, "-h", urls, "-d", "0", NULL };

		become(program, argv);
	}
	for (int i = 0; i < TRIES && !is_up(); i++) {
		ck_assert_int_eq(waitpid(server, NULL, WNOHANG), 0);
		usleep(PAUSE_US);
	}
	ck_assert(is_up());
}

/* A copy, since some systems let the program at its own place see its own files only. */
void slapd_start(const char *data, bool tls)
{
	char *program = keep(folder_path("slapd")), *conf = keep(folder_path("slapd.conf"));
	char *ldif = keep(folder_path("data.ldif")), *folder = keep(folder_path("data"));
	const char *const copy[] = { "cp", PROGRAM, program, NULL };
	const char *const make[] = { "mkdir", folder, NULL };
	const char *const add[] = { "slapd", "-T", "add", "-q", "-f", conf, "-l", ldif, NULL };

	write_settings(tls);
	folder_write("data.ldif", data);
	run("/bin/cp", copy);
	run("/bin/mkdir", make);
	run(program, add);
	launch(program, conf, tls);
	free(program);
	free(conf);
	free(ldif);
	free(folder);
}

void slapd_stop(void)
{
	if (server <= 0)
		return;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

void slapd_freeze(void)
{
	kill(server, SIGSTOP);
}

int slapd_port(void)
{
	return port;
}

int slapd_tls_port(void)
{
	return tls_port;
}

const char *slapd_ldapi(void)
{
	static char path[512];
	size_t n = 0;

	for (const char *p = folder_path("ldapi"); *p != '\0' && n < sizeof(path) - 4; p++)
		n += (size_t)(*p == '/' ? snprintf(path + n, sizeof(path) - n, "%%2F")
					: snprintf(path + n, sizeof(path) - n, "%c", *p));
	return path;
}
