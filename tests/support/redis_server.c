/* SPDX-License-Identifier: MIT */
/* Starts, stops and questions a real redis-server; the questions go by hiredis as it comes. */
#include "support/redis_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
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

#define SENTINEL_FILE "sentinel.conf"

enum { WORDS = 40, TEXT = 262144, TRIES = 500, PAUSE_US = 10000, PORT_MOST = 65535 - 10000 };

enum kind { PLAIN, TLS, SENTINEL };

struct redis_server {
	pid_t pid;
	int port;
	enum kind kind;
	char dir[64];
	char path[96];
	const char *more[WORDS];
};

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int some_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		give_up("free port");
	close(fd);
	return ntohs(a.sin_port);
}

/* A cluster's own port is 10,000 higher, and has to be a port as well. */
static int free_port(void)
{
	int port;

	do
		port = some_port();
	while (port > PORT_MOST);
	return port;
}

static _Noreturn void become_server(const struct redis_server *s, pid_t parent)
{
	const char *program = getenv("TPAUTH_TEST_REDIS");
	const char *argv[WORDS + 18];
	char port[16], file[96];
	int n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	snprintf(port, sizeof(port), "%d", s->port);
	argv[n++] = program != NULL ? program : "redis-server";
	if (s->kind == SENTINEL) {
		snprintf(file, sizeof(file), "%s/" SENTINEL_FILE, s->dir);
		argv[n++] = file;
		argv[n++] = "--sentinel";
	}
	if (s->kind == TLS) {
		argv[n++] = "--port";
		argv[n++] = "0";
	}
	argv[n++] = s->kind == TLS ? "--tls-port" : "--port";
	argv[n++] = port;
	argv[n++] = "--bind";
	argv[n++] = "127.0.0.1";
	argv[n++] = "--unixsocket";
	argv[n++] = s->path;
	argv[n++] = "--dir";
	argv[n++] = s->dir;
	argv[n++] = "--logfile";
	argv[n++] = "log";
	argv[n++] = "--save";
	argv[n++] = "";
	for (int i = 0; s->more[i] != NULL; i++)
		argv[n++] = s->more[i];
	argv[n] = NULL;
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	give_up(argv[0]);
}

/* Any answer will do: a server with a password says NOAUTH. */
static bool answers(const struct redis_server *s)
{
	redisContext *c = redisConnectUnix(s->path);
	void *reply = c != NULL && c->err == 0 ? redisCommand(c, "PING") : NULL;

	if (reply != NULL)
		freeReplyObject(reply);
	if (c != NULL)
		redisFree(c);
	return reply != NULL;
}

static bool launch(struct redis_server *s)
{
	pid_t self = getpid();

	fflush(NULL);
	s->pid = fork();
	if (s->pid < 0)
		give_up("fork");
	if (s->pid == 0)
		become_server(s, self);
	for (int i = 0; i < TRIES; i++) {
		if (answers(s))
			return true;
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			break;
		usleep(PAUSE_US);
	}
	redis_server_kill(s);
	return false;
}

/* A sentinel keeps what it knows in its configuration, and wants a file for it, if an empty one. */
static void make_file(const struct redis_server *s)
{
	char file[96];
	int fd;

	snprintf(file, sizeof(file), "%s/" SENTINEL_FILE, s->dir);
	fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		give_up(file);
	close(fd);
}

static struct redis_server *start(const char *const *more, enum kind kind)
{
	struct redis_server *s = calloc(1, sizeof(*s));
	const char *tmp = getenv("TMPDIR");

	if (s == NULL)
		give_up("redis-server");
	s->kind = kind;
	for (int i = 0; more != NULL && more[i] != NULL && i < WORDS - 1; i++)
		s->more[i] = more[i];
	snprintf(s->dir, sizeof(s->dir), "%s/tpauth-redis-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(s->dir) == NULL)
		give_up(s->dir);
	if (kind == SENTINEL)
		make_file(s);
	snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	/* Somebody may have taken the port meanwhile. */
	for (int i = 0; i < 3; i++) {
		s->port = free_port();
		if (launch(s))
			return s;
	}
	fprintf(stderr, "redis-server does not come up; see %s/log\n", s->dir);
	exit(EXIT_FAILURE);
}

struct redis_server *redis_server_start(const char *const *more)
{
	return start(more, PLAIN);
}

struct redis_server *redis_server_start_tls(const char *const *more)
{
	return start(more, TLS);
}

struct redis_server *redis_server_start_sentinel(void)
{
	return start(NULL, SENTINEL);
}

void redis_server_kill(struct redis_server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void redis_server_again(struct redis_server *s)
{
	if (!launch(s))
		give_up("redis-server once more");
}

void redis_server_freeze(const struct redis_server *s)
{
	freeze(s->pid);
}

void redis_server_thaw(const struct redis_server *s)
{
	kill(s->pid, SIGCONT);
}

void redis_server_stop(struct redis_server *s)
{
	struct dirent *e;
	DIR *d;

	if (s == NULL)
		return;
	redis_server_kill(s);
	d = opendir(s->dir);
	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	rmdir(s->dir);
	free(s);
}

const char *redis_server_path(const struct redis_server *s)
{
	return s->path;
}

int redis_server_port(const struct redis_server *s)
{
	return s->port;
}

/* ---- questions ---- */

struct text {
	char p[TEXT];
	size_t len;
};

static void add(struct text *t, const char *p, size_t n)
{
	if (n >= sizeof(t->p) - t->len)
		n = sizeof(t->p) - t->len - 1;
	memcpy(t->p + t->len, p, n);
	t->len += n;
	t->p[t->len] = '\0';
}

static void add_reply(struct text *t, const redisReply *reply)
{
	char number[32];

	switch (reply->type) {
	case REDIS_REPLY_NIL:
		add(t, "(nil)", 5);
		break;
	case REDIS_REPLY_INTEGER:
		snprintf(number, sizeof(number), "%lld", reply->integer);
		add(t, number, strlen(number));
		break;
	case REDIS_REPLY_ARRAY:
		for (size_t i = 0; i < reply->elements; i++) {
			add(t, " ", i > 0 ? 1 : 0);
			add_reply(t, reply->element[i]);
		}
		break;
	default:
		add(t, reply->str, reply->len);
		break;
	}
}

static redisContext *dial(const struct redis_server *s)
{
	redisContext *c = redisConnectUnixWithTimeout(s->path, (struct timeval){ 5, 0 });

	if (c == NULL || c->err != 0)
		give_up(s->path);
	redisSetTimeout(c, (struct timeval){ 5, 0 });
	return c;
}

const char *redis_server_ask(const struct redis_server *s, int db, const char *fmt, ...)
{
	static struct text t;
	redisContext *c = dial(s);
	redisReply *reply;
	va_list ap;

	reply = redisCommand(c, "SELECT %d", db);
	freeReplyObject(reply);
	va_start(ap, fmt);
	reply = redisvCommand(c, fmt, ap);
	va_end(ap);
	if (reply == NULL)
		give_up(fmt);
	t.len = 0;
	add(&t, "", 0);
	add_reply(&t, reply);
	freeReplyObject(reply);
	redisFree(c);
	return t.p;
}

struct redis_watch {
	const struct redis_server *server;
	redisContext *c;
};

struct redis_watch *redis_watch_open(const struct redis_server *s)
{
	struct redis_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		give_up("watch");
	w->server = s;
	w->c = dial(s);
	freeReplyObject(redisCommand(w->c, "MONITOR"));
	return w;
}

/* A line: 1795508315.123456 [9 unix:/path] "HGET" "user" "handle" */
static void add_line(struct text *t, const char *line)
{
	const char *open = strchr(line, '[');
	const char *close = open != NULL ? strchr(open, ']') : NULL;

	if (close == NULL)
		return;
	add(t, open + 1, strcspn(open + 1, " "));
	if (strncmp(open + 1 + strcspn(open + 1, " "), " lua", 4) == 0)
		add(t, " lua", 4);
	add(t, close + 1, strlen(close + 1));
	add(t, "\n", 1);
}

const char *redis_watch_close(struct redis_watch *w)
{
	static struct text t;
	bool done = false;

	t.len = 0;
	add(&t, "", 0);
	redis_server_ask(w->server, 0, "ECHO end-of-watch");
	while (!done) {
		redisReply *reply = NULL;

		if (redisGetReply(w->c, (void **)&reply) != REDIS_OK)
			give_up("watch");
		done = strstr(reply->str, "end-of-watch") != NULL;
		if (!done)
			add_line(&t, reply->str);
		freeReplyObject(reply);
	}
	redisFree(w->c);
	free(w);
	/* The SELECT that redis_server_ask() sent. */
	if (t.len > 0)
		t.p[t.len - 1] = '\0';
	t.p[strrchr(t.p, '\n') != NULL ? (size_t)(strrchr(t.p, '\n') - t.p) + 1 : 0] = '\0';
	return t.p;
}
