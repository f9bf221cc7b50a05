/* SPDX-License-Identifier: MIT */
/*
 * Not a module of ours but one of redis-server, for a server before 7.4: HEXPIRE and HTTL with the
 * answers of Redis 7.4, and fields that end by themselves. A server that has the commands keeps its
 * own. Fields are known by key and name alone: only one database may have hashes that expire.
 *
 * What a server offers its modules is declared here as far as it is used; the functions' addresses
 * are asked for by name.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OK, API_VERSION = 1, MODULE_VERSION = 1, BUCKETS = 4096 };
enum { KEY_READ = 1, KEY_NONE = 0, KEY_HASH = 3, HASH_EXISTS = 8 };
enum { NO_FIELD = -2, NO_END = -1, SET = 1 };

struct ctx;
struct string;
struct reply;
struct key;
struct filter;
struct filtered;

typedef int command_fn(struct ctx *ctx, struct string **argv, int argc);
typedef void filter_fn(struct filtered *f);
typedef void timer_fn(struct ctx *ctx, void *data);

/* A structure of addresses: there is one of them in the process that loads this. */
static struct {
	int (*SetModuleAttribs)(struct ctx *, const char *, int, int);
	int (*CreateCommand)(struct ctx *, const char *, command_fn *, const char *, int, int, int);
	struct filter *(*RegisterCommandFilter)(struct ctx *, filter_fn *, int);
	int (*CommandFilterArgsCount)(struct filtered *);
	const struct string *(*CommandFilterArgGet)(struct filtered *, int);
	const char *(*StringPtrLen)(const struct string *, size_t *);
	int (*StringToLongLong)(const struct string *, long long *);
	int (*ReplyWithError)(struct ctx *, const char *);
	int (*ReplyWithArray)(struct ctx *, long);
	int (*ReplyWithLongLong)(struct ctx *, long long);
	int (*WrongArity)(struct ctx *);
	struct reply *(*Call)(struct ctx *, const char *, const char *, ...);
	void (*FreeCallReply)(struct reply *);
	struct key *(*OpenKey)(struct ctx *, const struct string *, int);
	int (*KeyType)(struct key *);
	int (*HashGet)(struct key *, int, ...);
	void (*CloseKey)(struct key *);
	int (*GetSelectedDb)(struct ctx *);
	int (*SelectDb)(struct ctx *, int);
	long long (*Milliseconds)(void);
	uint64_t (*CreateTimer)(struct ctx *, long long, timer_fn *, void *);
} api;

static const struct {
	const char *name;
	void *to;
} names[] = {
	{ "RedisModule_SetModuleAttribs", &api.SetModuleAttribs },
	{ "RedisModule_CreateCommand", &api.CreateCommand },
	{ "RedisModule_RegisterCommandFilter", &api.RegisterCommandFilter },
	{ "RedisModule_CommandFilterArgsCount", &api.CommandFilterArgsCount },
	{ "RedisModule_CommandFilterArgGet", &api.CommandFilterArgGet },
	{ "RedisModule_StringPtrLen", &api.StringPtrLen },
	{ "RedisModule_StringToLongLong", &api.StringToLongLong },
	{ "RedisModule_ReplyWithError", &api.ReplyWithError },
	{ "RedisModule_ReplyWithArray", &api.ReplyWithArray },
	{ "RedisModule_ReplyWithLongLong", &api.ReplyWithLongLong },
	{ "RedisModule_WrongArity", &api.WrongArity },
	{ "RedisModule_Call", &api.Call },
	{ "RedisModule_FreeCallReply", &api.FreeCallReply },
	{ "RedisModule_OpenKey", &api.OpenKey },
	{ "RedisModule_KeyType", &api.KeyType },
	{ "RedisModule_HashGet", &api.HashGet },
	{ "RedisModule_CloseKey", &api.CloseKey },
	{ "RedisModule_GetSelectedDb", &api.GetSelectedDb },
	{ "RedisModule_SelectDb", &api.SelectDb },
	{ "RedisModule_Milliseconds", &api.Milliseconds },
	{ "RedisModule_CreateTimer", &api.CreateTimer },
};

/* ---- fields with an end ---- */

struct text {
	const char *p;
	size_t len;
};

struct field {
	struct field *next;
	long long end_ms;
	int db;
	struct text key, name; /* in bytes */
	bool left;	       /* was written anew, and so has no end any more */
	char bytes[];
};

static struct field *fields[BUCKETS];

static struct text text_of(const struct string *s)
{
	struct text t = { NULL, 0 };

	t.p = api.StringPtrLen(s, &t.len);
	return t;
}

static bool same(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static bool is_word(const struct string *s, const char *word)
{
	struct text t = text_of(s);

	return t.len == strlen(word) && strncasecmp(t.p, word, t.len) == 0;
}

static struct field **bucket_of(struct text key, struct text name)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.p[i]) * 1099511628211u;
	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.p[i]) * 1099511628211u;
	return &fields[h % BUCKETS];
}

/* NULL when the field has no end. */
static struct field *find(struct text key, struct text name)
{
	struct field *f = *bucket_of(key, name);

	while (f != NULL && (f->left || !same(f->key, key) || !same(f->name, name)))
		f = f->next;
	return f;
}

static void leave(struct text key, struct text name)
{
	struct field *f = find(key, name);

	if (f != NULL)
		f->left = true;
}

/* At its time, whatever has become of it. */
static void end(struct ctx *ctx, void *data)
{
	struct field *f = data, **at = bucket_of(f->key, f->name);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (!f->left && api.SelectDb(ctx, f->db) == OK) {
		struct reply *reply =
			api.Call(ctx, "HDEL", "bb", f->key.p, f->key.len, f->name.p, f->name.len);

		if (reply != NULL)
			api.FreeCallReply(reply);
	}
	free(f);
}

static bool begin(struct ctx *ctx, struct text key, struct text name, long long ms)
{
	struct field *f = malloc(sizeof(*f) + key.len + name.len);
	struct field **at = bucket_of(key, name);

	if (f == NULL)
		return false;
	leave(key, name);
	*f = (struct field){ .next = *at, .end_ms = api.Milliseconds() + ms };
	f->db = api.GetSelectedDb(ctx);
	memcpy(f->bytes, key.p, key.len);
	memcpy(f->bytes + key.len, name.p, name.len);
	f->key = (struct text){ f->bytes, key.len };
	f->name = (struct text){ f->bytes + key.len, name.len };
	*at = f;
	(void)api.CreateTimer(ctx, ms, end, f);
	return true;
}

/* Sees each command before it is done, also those of scripts. */
static void see(struct filtered *cmd)
{
	int n = api.CommandFilterArgsCount(cmd);

	if (n < 4 || !is_word(api.CommandFilterArgGet(cmd, 0), "HSET"))
		return;
	for (int i = 2; i < n; i += 2)
		leave(text_of(api.CommandFilterArgGet(cmd, 1)),
		      text_of(api.CommandFilterArgGet(cmd, i)));
}

/* ---- the commands ---- */

/* Is there such a field? Below 0: no hash, and the client was told. */
static int has(struct ctx *ctx, const struct string *name, const struct string *field)
{
	struct key *key = api.OpenKey(ctx, name, KEY_READ);
	int there = 0, type = key != NULL ? api.KeyType(key) : KEY_NONE;

	if (type == KEY_HASH)
		api.HashGet(key, HASH_EXISTS, field, &there, NULL);
	if (key != NULL)
		api.CloseKey(key);
	if (type == KEY_HASH || type == KEY_NONE)
		return there;
	api.ReplyWithError(ctx, "WRONGTYPE Operation against a key of another type");
	return -1;
}

/* Of the words from `at` on: FIELDS 1 name. No more is asked by the store. */
static bool names_one(struct string **argv, int argc, int at)
{
	return argc == at + 3 && is_word(argv[at], "FIELDS") && is_word(argv[at + 1], "1");
}

static int hexpire(struct ctx *ctx, struct string **argv, int argc)
{
	long long s = 0;
	int there;

	if (!names_one(argv, argc, 3))
		return api.WrongArity(ctx);
	if (api.StringToLongLong(argv[2], &s) != OK || s < 1 || s > INT32_MAX)
		return api.ReplyWithError(ctx, "ERR invalid expire time in 'hexpire' command");
	there = has(ctx, argv[1], argv[5]);
	if (there < 0)
		return OK;
	if (there && !begin(ctx, text_of(argv[1]), text_of(argv[5]), s * 1000))
		return api.ReplyWithError(ctx, "OOM no memory for a field");
	api.ReplyWithArray(ctx, 1);
	return api.ReplyWithLongLong(ctx, there ? SET : NO_FIELD);
}

static int httl(struct ctx *ctx, struct string **argv, int argc)
{
	const struct field *f;
	int there;

	if (!names_one(argv, argc, 2))
		return api.WrongArity(ctx);
	there = has(ctx, argv[1], argv[4]);
	if (there < 0)
		return OK;
	f = there ? find(text_of(argv[1]), text_of(argv[4])) : NULL;
	api.ReplyWithArray(ctx, 1);
	if (f == NULL)
		return api.ReplyWithLongLong(ctx, there ? NO_END : NO_FIELD);
	return api.ReplyWithLongLong(ctx, (f->end_ms - api.Milliseconds() + 999) / 1000);
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(void *ctx, struct string **argv,
							      int argc);

/* The first word of the context is the address of the function that knows all others. */
int RedisModule_OnLoad(void *ctx, struct string **argv, int argc)
{
	int (*get)(const char *name, void *to);

	(void)argv;
	(void)argc;
	memcpy(&get, ctx, sizeof(get));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (get(names[i].name, names[i].to) != OK)
			return 1;
	api.SetModuleAttribs(ctx, "hexpire", MODULE_VERSION, API_VERSION);
	if (api.CreateCommand(ctx, "hexpire", hexpire, "write fast", 1, 1, 1) != OK)
		return OK; /* the server has its own */
	if (api.CreateCommand(ctx, "httl", httl, "readonly fast", 1, 1, 1) != OK ||
	    api.RegisterCommandFilter(ctx, see, 0) == NULL)
		return 1;
	return OK;
}
