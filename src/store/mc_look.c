/* SPDX-License-Identifier: MIT */
/* From replies to what holds: the rule of mc_verbs.h for a live session is mc_look(). */
#include "store/mc_look.h"

#include "base/banned.h"

enum mc_kind mc_kind_of(enum store_space space)
{
	return space == STORE_LOGIN ? MC_LOGIN : MC_RESTRICT;
}

struct mc_ask mc_ask_get(size_t server, const struct mc_key *k)
{
	return (struct mc_ask){ server, { .code = MC_GET, .key = mc_key_view(k) } };
}

struct mc_seen mc_see(const struct mc_talk *t, const struct mc_reply *reply, enum mc_kind kind,
		      struct span owner, struct span item)
{
	struct mc_seen s = { .there = reply->status == MC_DONE, .cas = reply->cas };

	s.holds = s.there && mc_record_get(reply->value, &s.record) && s.record.kind == kind &&
		  span_eq(s.record.owner, owner) && span_eq(s.record.item, item) &&
		  s.record.expiry_s > t->now_s;
	return s;
}

void mc_look_keys(const struct mc_talk *t, const struct store_key *key, struct mc_view *v)
{
	mc_key_make(&v->key, mc_kind_of(key->space), key->owner, key->item);
	mc_key_make(&v->list_key, MC_LIST, key->owner, SPAN_LIT(""));
	v->server = mc_pool_place(&t->pool, key->owner);
}

enum tp_rc mc_look_list(struct mc_talk *t, const struct store_key *key, struct mc_view *v,
			struct tp_err *err)
{
	struct mc_reply reply;
	struct mc_ask ask;
	enum tp_rc rc;

	mc_look_keys(t, key, v);
	ask = mc_ask_get(v->server, &v->list_key);
	rc = mc_pool_run(&t->pool, &ask, 1, &reply, err);
	if (rc == TP_OK)
		v->list = mc_see(t, &reply, MC_LIST, key->owner, SPAN_LIT(""));
	return rc;
}

bool mc_is_listed(const struct mc_talk *t, const struct mc_seen *list, const struct mc_seen *item,
		  const struct mc_key *k)
{
	return list->holds && item->holds &&
	       memcmp(list->record.generation, item->record.generation, MC_GENERATION) == 0 &&
	       mc_list_has(list->record.body, k->digest, t->now_s);
}

enum tp_rc mc_look(struct mc_talk *t, const struct store_key *key, struct mc_view *v,
		   struct tp_err *err)
{
	bool login = key->space == STORE_LOGIN;
	struct mc_reply replies[2];
	struct mc_ask asks[2];
	enum tp_rc rc;

	mc_look_keys(t, key, v);
	asks[0] = mc_ask_get(v->server, &v->key);
	asks[1] = mc_ask_get(v->server, &v->list_key);
	rc = mc_pool_run(&t->pool, asks, login ? 2 : 1, replies, err);
	if (rc != TP_OK)
		return rc;
	v->item = mc_see(t, &replies[0], mc_kind_of(key->space), key->owner, key->item);
	v->list = (struct mc_seen){ 0 };
	if (login)
		v->list = mc_see(t, &replies[1], MC_LIST, key->owner, SPAN_LIT(""));
	v->live = login ? mc_is_listed(t, &v->list, &v->item, &v->key) : v->item.holds;
	return TP_OK;
}
