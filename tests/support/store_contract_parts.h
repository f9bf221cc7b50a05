/* SPDX-License-Identifier: MIT */
/* What the files of the contract suite share. Check programs include store_contract.h. */
#ifndef SUPPORT_STORE_CONTRACT_PARTS_H
#define SUPPORT_STORE_CONTRACT_PARTS_H

#include "support/store_contract.h"

#define USER   "user_099"
#define HANDLE "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
#define HOUR   ((int64_t)3600)

extern const struct store_rig *contract_rigs;

/* NULL, with a line on stderr, when it does not open. */
struct store *contract_open(const struct store_rig *rig);

/* An empty store for a case. */
struct store *contract_begin(const struct store_rig *rig);

struct store_key contract_key(enum store_space space, const char *owner, const char *item);
struct store_key contract_login(const char *item); /* of USER */

enum tp_rc contract_put(struct store *s, struct store_key k, const char *value, int64_t ttl_s,
			enum store_mode mode);
enum tp_rc contract_ask(struct store *s, enum store_verb verb, struct store_key k);
enum tp_rc contract_hit(struct store *s, const struct store_hit *hits, size_t n,
			int64_t *ret_wait_s);
void contract_expect(struct store *s, struct store_key k, struct span value);

/* A store_item_fn that keeps "item=value " in order of arrival in a struct contract_seen, and says
 * TP_FORBIDDEN at the call number stop_at. */
struct contract_seen {
	char text[256];
	int calls, stop_at;
};
enum tp_rc contract_see(void *arg, struct span item, struct span value);

/* Each adds its cases, for rigs 0 to end. */
void contract_add_time(TCase *tc, int end);
void contract_add_races(TCase *tc, int end);
void contract_add_walk(TCase *tc, int end);

#endif
