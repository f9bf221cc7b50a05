/* SPDX-License-Identifier: MIT */
/* What is in memcached for a key of the store, as one round trip finds it. */
#ifndef STORE_MC_LOOK_H
#define STORE_MC_LOOK_H

#include "store/mc_item.h"
#include "store/mc_verbs.h"

/* An item as a reply brought it; spans are good until the next run. */
struct mc_seen {
	bool there; /* with any content: then cas is its version */
	bool holds; /* it is the record that was asked for, and has not ended */
	uint64_t cas;
	struct mc_record record; /* where `holds` */
};

/* A user's list and one session, as one round trip found them. */
struct mc_view {
	struct mc_key list_key, key;
	size_t server;
	struct mc_seen list, item;
	bool live;
};

enum mc_kind mc_kind_of(enum store_space space); /* not of STORE_THROTTLE */
struct mc_ask mc_ask_get(size_t server, const struct mc_key *k);

/* A reply to mc_ask_get(), for the record that it should be. */
struct mc_seen mc_see(const struct mc_talk *t, const struct mc_reply *reply, enum mc_kind kind,
		      struct span owner, struct span item);

/* The two agree, and the list names the key. */
bool mc_is_listed(const struct mc_talk *t, const struct mc_seen *list, const struct mc_seen *item,
		  const struct mc_key *k);

/* Fills keys and server only. */
void mc_look_keys(const struct mc_talk *t, const struct store_key *key, struct mc_view *v);
/* And then asks: for both, in one round trip, or for the list only. In STORE_RESTRICT an item is
 * live by itself. */
enum tp_rc mc_look(struct mc_talk *t, const struct store_key *key, struct mc_view *v,
		   struct tp_err *err) TP_MUSTUSE;
enum tp_rc mc_look_list(struct mc_talk *t, const struct store_key *key, struct mc_view *v,
			struct tp_err *err) TP_MUSTUSE;

#endif
