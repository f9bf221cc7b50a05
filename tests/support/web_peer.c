/* SPDX-License-Identifier: MIT */
#include "support/web_peer.h"

#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static char *note; /* shared with the server */
static pid_t server;
static int port;

/* By its Content-Length; none: a head is all. */
static bool is_whole(const char *asked)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *end = strstr(asked, "\r\n\r\n"), *length = strstr(asked, name);
	int64_t most = 0;

	if (end == NULL)
		return false;
	if (length != NULL) {
		struct span rest = span_of(length + sizeof(name) - 1);

		(void)span_int(span_cut(&rest, '\r'), 0, WEB_PEER_NOTE, &most);
	}
	return strlen(end + 4) >= (size_t)most;
}

static void serve_one(int listener, struct span answer)
{
	int fd = accept(listener, NULL, NULL);
	size_t len = 0, sent = 0;
	ssize_t n;

	note[0] = '\0';
	while (!is_whole(note) && (n = read(fd, note + len, WEB_PEER_NOTE - 1 - len)) > 0) {
		len += (size_t)n;
		note[len] = '\0';
	}
	if (answer.p == NULL)
		pause();
	while (sent < answer.len && (n = write(fd, answer.p + sent, answer.len - sent)) > 0)
		sent += (size_t)n;
	close(fd);
}

void web_peer_start(struct span answer)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	note = mmap(NULL, WEB_PEER_NOTE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(note, MAP_FAILED);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	port = ntohs(sin.sin_port);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (;;)
			serve_one(fd, answer);
	}
	ck_assert_int_gt(server, 0);
	close(fd);
}

void web_peer_stop(void)
{
	if (server <= 0)
		return;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
	munmap(note, WEB_PEER_NOTE);
	note = NULL;
}

int web_peer_port(void)
{
	return port;
}

const char *web_peer_note(void)
{
	return note;
}
