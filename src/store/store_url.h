/* SPDX-License-Identifier: MIT */
/* DB_URL taken apart: scheme://[user[:password]@]host[:port][/db], unix:///path, lmdb:///path. */
#ifndef STORE_STORE_URL_H
#define STORE_STORE_URL_H

#include "base/secret.h"

struct store_url {
	char scheme[16];
	char *user;		/* percent-decoded; NULL where absent */
	struct secret password; /* the same */
	char *host; /* without the brackets of an IPv6 address; NULL where absent; several
		     * hosts (a,b:1,[::1]:2) stand as they came, for store_url_host() */
	int port;   /* -1 where absent, and with several hosts */
	char *path; /* decoded, with its leading slash; NULL where absent */
};

/* TP_INVALID; the message never shows user, password or the URL itself. */
enum tp_rc store_url_parse(struct span text, struct store_url *ret, struct tp_err *err) TP_MUSTUSE;
void store_url_release(struct store_url *u);

/* Cuts the next of several hosts off *hosts, which becomes absent after the last. *ret_port: -1
 * where absent. False: not a host, then nothing is cut. */
bool store_url_host(struct span *hosts, struct span *ret_host, int *ret_port);

#endif
