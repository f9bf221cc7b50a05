/* SPDX-License-Identifier: MIT */
/* Starts, stops and questions a real memcached; the questions go in the text protocol. */
#include "support/memcached_server.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/freeze.h"

#include "base/banned.h"

enum { WORDS = 32, TRIES = 1000, PAUSE_US = 10000, LINE = 4096, ANSWER_S = 10 };

struct memcached_server {
	pid_t pid;
	int port;
	const char *more[WORDS];
};

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int free_port(void)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		give_up("free port");
	close(fd);
	return ntohs(a.sin_port);
}

static _Noreturn void become_server(const struct memcached_server *s, pid_t parent)
{
	const char *argv[WORDS + 16];
	char port[16];
	int n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	snprintf(port, sizeof(port), "%d", s->port);
	argv[n++] = "memcached";
	argv[n++] = "-p";
	argv[n++] = port;
	argv[n++] = "-l";
	argv[n++] = "127.0.0.1";
	argv[n++] = "-t";
	argv[n++] = "2";
	if (geteuid() == 0) {
		argv[n++] = "-u";
		argv[n++] = "root";
	}
	for (int i = 0; s->more[i] != NULL; i++)
		argv[n++] = s->more[i];
	argv[n] = NULL;
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	give_up(argv[0]);
}

/* -1: nobody is there. */
static int dial(const struct memcached_server *s)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	struct sockaddr_in a = loopback(s->port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		give_up("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool launch(struct memcached_server *s)
{
	pid_t self = getpid();

	fflush(NULL);
	s->pid = fork();
	if (s->pid < 0)
		give_up("fork");
	if (s->pid == 0)
		become_server(s, self);
	for (int i = 0; i < TRIES; i++) {
		int fd = dial(s);

		/* That of another would also answer: ours has to live on. */
		if (fd >= 0)
			close(fd);
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
			s->pid = 0;
			return false;
		}
		if (fd >= 0)
			return true;
		usleep(PAUSE_US);
	}
	memcached_server_kill(s);
	return false;
}

struct memcached_server *memcached_server_start(const char *const *more)
{
	struct memcached_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		give_up("memcached");
	for (int i = 0; more != NULL && more[i] != NULL && i < WORDS - 1; i++)
		s->more[i] = more[i];
	/* Somebody may have taken the port meanwhile. */
	for (int i = 0; i < 3; i++) {
		s->port = free_port();
		if (launch(s))
			return s;
	}
	fprintf(stderr, "memcached does not come up\n");
	exit(EXIT_FAILURE);
}

void memcached_server_stop(struct memcached_server *s)
{
	if (s == NULL)
		return;
	memcached_server_kill(s);
	free(s);
}

void memcached_server_freeze(const struct memcached_server *s)
{
	freeze(s->pid);
}

void memcached_server_thaw(const struct memcached_server *s)
{
	kill(s->pid, SIGCONT);
}

void memcached_server_kill(struct memcached_server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void memcached_server_again(struct memcached_server *s)
{
	if (!launch(s))
		give_up("memcached once more");
}

int memcached_server_port(const struct memcached_server *s)
{
	return s->port;
}

static FILE *converse(const struct memcached_server *s, const char *command)
{
	int fd = dial(s);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (f == NULL || dprintf(fd, "%s\r\n", command) < 0)
		give_up("a question to memcached");
	return f;
}

const char *memcached_server_ask(const struct memcached_server *s, const char *command)
{
	static char line[LINE];
	FILE *f = converse(s, command);

	if (fgets(line, sizeof(line), f) == NULL)
		give_up("an answer of memcached");
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

long memcached_server_stat(const struct memcached_server *s, const char *name)
{
	char line[LINE], found[64];
	long n = -1, value;
	FILE *f = converse(s, "stats");

	while (fgets(line, sizeof(line), f) != NULL && strncmp(line, "END", 3) != 0)
		if (sscanf(line, "STAT %63s %ld", found, &value) == 2 && strcmp(found, name) == 0)
			n = value;
	fclose(f);
	return n;
}
