/* SPDX-License-Identifier: MIT */
/*
 * The settings of a program: read from the command line, the environment and a file, each checked
 * against its row in options.tbl.h.
 *
 * A setting comes from the strongest source that gives it: flag > environment > file > default.
 * What a stronger source gives hides the weaker value, which is then not looked at.
 *   flag         --name-x=VALUE or --name-x VALUE; a boolean also --name-x alone
 *   environment  NAME_X; other variables are not looked at, HTTP_* (a client's headers) never
 *   file         NAME_X = VALUE, see config/envfile.h; named by --config, else by $TPAUTH_CONFIG
 * A SECRET may come as NAME_X_FILE instead, the path of a file that holds it (its last newline is
 * not part of it). On the command line only that form is taken, since others can read a command
 * line. A setting given twice in one source is an error, and so is a name in the file or a flag
 * that is none of ours.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/jval.h"
#include "base/secret.h"
#include "config/option.h"

struct config_list {
	const char **v; /* NULL-terminated, also when empty */
	size_t n;
};

/* Values of the ENUM fields, in the order of the choices in options.tbl.h. */
enum config_alg { CONFIG_ALG_HS256, CONFIG_ALG_RS256 };
enum config_token { CONFIG_TOKEN_OPAQUE, CONFIG_TOKEN_JWT };
enum config_redis { CONFIG_REDIS_DIRECT, CONFIG_REDIS_SENTINEL };
enum config_samesite { CONFIG_SAMESITE_STRICT, CONFIG_SAMESITE_LAX, CONFIG_SAMESITE_NONE };
enum config_preflight { CONFIG_PREFLIGHT_PASS, CONFIG_PREFLIGHT_CHECK };
enum config_log_format { CONFIG_LOG_LOGFMT, CONFIG_LOG_JSON };
enum config_log_level {
	CONFIG_LOG_ERROR,
	CONFIG_LOG_WARNING,
	CONFIG_LOG_NOTICE,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG
};

/* The type of each field: see enum option_type. */
#define CONFIG_FIELD_STR     char *
#define CONFIG_FIELD_PATH    char *
#define CONFIG_FIELD_ROUTE   char *
#define CONFIG_FIELD_ADDRESS char *
#define CONFIG_FIELD_SECRET  struct secret
#define CONFIG_FIELD_BOOL    bool
#define CONFIG_FIELD_INT     int64_t
#define CONFIG_FIELD_SIZE    int64_t
#define CONFIG_FIELD_OCTAL   int64_t
#define CONFIG_FIELD_MINUTES int64_t
#define CONFIG_FIELD_SECONDS int64_t
#define CONFIG_FIELD_MILLIS  int64_t
#define CONFIG_FIELD_LIST    struct config_list
#define CONFIG_FIELD_ENUM    int
#define CONFIG_FIELD_MAP     struct jval *

/* Read-only after config_load(). Everything is owned by it; secrets are wiped on release. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the table's order is for readers */
struct config {
#define GROUP(title, first)
#define OPT(field, type, name, def, takes, flags, help, man) CONFIG_FIELD_##type field;
#include "config/options.tbl.h"
	int first_operand; /* index in argv of what follows the flags; argc when nothing does */
	bool given[OPTION_COUNT]; /* by any source, else the default stands */
};

/*
 * Fills *ret, which need not be initialised; empty after a failure. argv[0] is skipped; flags end
 * at the first argument that does not begin with "-", or after "--". A caller that takes no
 * operands must refuse them (without printing them: one may be a password gone astray).
 *
 * A program that a web server runs as CGI must pass argc 1: for a query without '=' the server puts
 * the client's words there (RFC 3875 section 4.4).
 *
 * With --help or --version nothing else is read. TP_INVALID: one line that says where, which
 * setting, what it got (never for a SECRET) and what it takes; TP_NOMEM.
 */
enum tp_rc config_load(int argc, char **argv, char **envp, struct config *ret,
		       struct tp_err *err) TP_MUSTUSE;
void config_release(struct config *c);

/* Another default than the table's: value stands where no source gave the option; it counts as not
 * given. TP_INVALID as above, TP_NOMEM. */
enum tp_rc config_default(struct config *c, enum option_id id, const char *value,
			  struct tp_err *err) TP_MUSTUSE;

bool config_is_set(const struct config *c, enum option_id id);

/*
 * What must hold between settings: keys for the algorithm, a token handler for an authorization
 * server, cookies that browsers take, distinct paths, and so on. TP_INVALID as above. has_handler:
 * the program brings a token handler of its own, so TOKEN_HANDLER may be absent. What one module
 * alone understands (DB_URL, the patterns of CORS_URLS, keys) that module checks.
 */
enum tp_rc config_check(const struct config *c, bool has_handler, struct tp_err *err) TP_MUSTUSE;

/* Calls fn for each thing that is allowed and hardly meant; one sentence without a newline. */
void config_warnings(const struct config *c, void (*fn)(void *arg, const char *sentence),
		     void *arg);

/* REFRESH_URL holds a path, or the address of the gRPC service (then the path is /refresh, and the
 * address is the default of the other two). */
const char *config_refresh_path(const struct config *c);
const char *config_grpc_listen(const struct config *c);
const char *config_grpc_target(const struct config *c);

#endif
