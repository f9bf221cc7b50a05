/* SPDX-License-Identifier: MIT */
/*
 * Owns the making and finding of the listening socket. The FastCGI socket is a trust boundary: unix
 * sockets are born with the mode asked for, TCP ones only on an address that was written out.
 */
#include "run/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

#include "base/banned.h"

enum { BACKLOG = 1024, SYSTEMD_FIRST_FD = 3, HOST_MOST = 256 };

static bool is_listening(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes != 0;
}

/* How many sockets systemd passed to this process; 0: none, or to another one. */
static int64_t systemd_passed(void)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): there are no threads */
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	int64_t whose, n;

	if (pid == NULL || fds == NULL || !span_int(span_of(pid), 1, INT32_MAX, &whose) ||
	    whose != getpid() || !span_int(span_of(fds), 1, INT32_MAX, &n))
		return 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	/* NOLINTEND(concurrency-mt-unsafe) */
	return n;
}

int listen_inherited(void)
{
	int64_t passed = systemd_passed();

	if (passed == 0)
		return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
	if (passed > 1 || !is_listening(SYSTEMD_FIRST_FD)) {
		log_event(LOG_LEVEL_ERR, "listen.inherited", LOG_INT("sockets", passed),
			  LOG_STR("reason", passed > 1 ? "one socket can be served, not several"
						       : "the socket does not listen"));
		return -1;
	}
	fcntl(SYSTEMD_FIRST_FD, F_SETFD, FD_CLOEXEC);
	return SYSTEMD_FIRST_FD;
}

/* The path of a unix address, or NULL. */
static const char *unix_path(const char *address)
{
	if (span_starts(span_of(address), "unix:"))
		return address + strlen("unix:");
	return address[0] == '/' ? address : NULL;
}

/* Makes the way free: nothing there, or a socket file that nobody listens on. */
static enum tp_rc clear_path(const struct sockaddr_un *sun, struct tp_err *err)
{
	struct stat st;
	int fd, refused;

	if (lstat(sun->sun_path, &st) != 0)
		return errno == ENOENT ? TP_OK
				       : tp_fail(err, TP_INVALID, "%s: %s", sun->sun_path,
						 strerrordesc_np(errno));
	if (!S_ISSOCK(st.st_mode))
		return tp_fail(err, TP_INVALID, "%s: there is a file that is no socket",
			       sun->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return tp_fail(err, TP_UNAVAILABLE, "socket: %s", strerrordesc_np(errno));
	refused = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) != 0 &&
		  errno == ECONNREFUSED;
	close(fd);
	if (!refused)
		return tp_fail(err, TP_INVALID, "%s: another program listens there", sun->sun_path);
	if (unlink(sun->sun_path) != 0)
		return tp_fail(err, TP_INVALID, "%s: %s", sun->sun_path, strerrordesc_np(errno));
	return TP_OK;
}

static enum tp_rc listen_unix(const char *path, unsigned mode, int *ret_fd, struct tp_err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old_mask;
	enum tp_rc rc;
	int fd, bound;

	if (strlen(path) >= sizeof(sun.sun_path))
		return tp_fail(err, TP_INVALID, "a socket path has at most %zu bytes",
			       sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path));
	rc = clear_path(&sun, err);
	if (rc != TP_OK)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return tp_fail(err, TP_UNAVAILABLE, "socket: %s", strerrordesc_np(errno));
	/* By the mask and not by chmod(), so that there is no moment with a wider mode. */
	old_mask = umask((mode_t)~mode & 0777);
	bound = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	umask(old_mask);
	if (bound != 0 || listen(fd, BACKLOG) != 0) {
		tp_fail(err, TP_INVALID, "%s: %s", path, strerrordesc_np(errno));
		close(fd);
		return TP_INVALID;
	}
	*ret_fd = fd;
	return TP_OK;
}

static int listen_on(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			ai->ai_protocol);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* HOST:PORT or [HOST]:PORT taken apart. */
static bool split(const char *address, char ret_host[HOST_MOST], const char **ret_port)
{
	const char *colon = strrchr(address, ':');
	size_t len;
	int64_t port;

	if (colon == NULL || colon == address || !span_int(span_of(colon + 1), 1, 65535, &port))
		return false;
	len = (size_t)(colon - address);
	if (address[0] == '[' && colon[-1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= HOST_MOST)
		return false;
	memcpy(ret_host, address, len);
	ret_host[len] = '\0';
	*ret_port = colon + 1;
	return true;
}

static enum tp_rc listen_tcp(const char *address, int *ret_fd, struct tp_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_ADDRCONFIG };
	struct addrinfo *list, *ai;
	char host[HOST_MOST];
	const char *port;
	int fd = -1, failed;

	if (!split(address, host, &port))
		return tp_fail(err, TP_INVALID, "takes a path, unix:PATH or HOST:PORT, not '%.60s'",
			       address);
	failed = getaddrinfo(host, port, &hints, &list);
	if (failed != 0)
		return tp_fail(err, TP_INVALID, "%.60s: %s", host, gai_strerror(failed));
	failed = 0;
	for (ai = list; ai != NULL && fd < 0; ai = ai->ai_next) {
		fd = listen_on(ai);
		failed = errno;
	}
	freeaddrinfo(list);
	if (fd < 0)
		return tp_fail(err, TP_INVALID, "%.60s:%s: %s", host, port,
			       strerrordesc_np(failed));
	*ret_fd = fd;
	return TP_OK;
}

enum tp_rc listen_open(const char *address, unsigned mode, int *ret_fd, struct tp_err *err)
{
	const char *path = unix_path(address);

	return path != NULL ? listen_unix(path, mode, ret_fd, err)
			    : listen_tcp(address, ret_fd, err);
}

static bool addr_is_local(const struct sockaddr *addr)
{
	const struct sockaddr_in *in;
	const struct sockaddr_in6 *in6;
	const unsigned char *b;

	switch (addr->sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		in = (const void *)addr;
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		in6 = (const void *)addr;
		b = in6->sin6_addr.s6_addr;
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && b[12] == IN_LOOPBACKNET);
	default:
		return false;
	}
}

bool listen_fd_is_local(int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	return getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
	       addr_is_local((const struct sockaddr *)&addr);
}

bool listen_is_local(const char *address)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list, *ai;
	char host[HOST_MOST];
	const char *port;
	bool local = true;

	if (unix_path(address) != NULL)
		return true;
	if (!split(address, host, &port) || getaddrinfo(host, port, &hints, &list) != 0)
		return false;
	for (ai = list; ai != NULL; ai = ai->ai_next)
		local = local && addr_is_local(ai->ai_addr);
	freeaddrinfo(list);
	return local;
}

void listen_remove(const char *address)
{
	const char *path = unix_path(address);

	if (path != NULL)
		unlink(path);
}
