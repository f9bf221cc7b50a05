/* SPDX-License-Identifier: MIT */
/* Which commands an operation of the store is in Redis, and what their replies mean for it. */
#ifndef STORE_REDIS_VERBS_H
#define STORE_REDIS_VERBS_H

#include "store/redis_wire.h"
#include "store/store.h"

/* A connection whose handshake is done, and what was learnt by it. */
struct redis_talk {
	struct redis_wire *wire;
	const char *name;  /* of the server, for messages */
	const int *db;	   /* by space */
	const int *prefix; /* by space; of a cluster's node: numbers in front of the keys. NULL: the
			    * keys are as the original has them */
	struct clock clock; /* counters go by it */
	int current_db;	    /* after the commands of the batch */
	bool has_hexpire;   /* fields can expire */
	bool has_hrandfield;
	bool has_expire_nx; /* EXPIRE takes NX, and lately did */
	bool asking;	    /* the batch goes to a node that is just getting the keys' slot */
	bool alone;	    /* the batch is for one operation, */
	bool again;	    /* which needs another round trip: to be asked and answered anew */
	bool selects[WIRE_COMMANDS]; /* commands of the batch that are SELECTs of our own */
	bool spoilt;		     /* an answer says: drop this connection */
};

/* Puts the operation's commands into the batch, after a SELECT where the database is another.
 * Returns the index of its last reply, for redis_verbs_answer(). */
size_t redis_verbs_ask(struct redis_talk *t, const struct store_op *op);

/* Puts a write into the batch that is one whatever the operation finds: a key at the side of the
 * owner's windows, and in the same slot, that ends by itself. Its reply, whose index is returned,
 * is a status. */
size_t redis_verbs_mark(struct redis_talk *t, const struct store_op *op);

/* May the operation be sent again when it is not known whether it was done? */
bool redis_verbs_repeatable(const struct store_op *op);

/* Were all databases there? To be asked first. */
enum tp_rc redis_verbs_selected(struct redis_talk *t, struct tp_err *err) TP_MUSTUSE;

/* Turns the replies into the operation's answer. Other data at a user's key reads as no session,
 * with err->msg saying so next to TP_OK. */
enum tp_rc redis_verbs_answer(struct redis_talk *t, struct store_op *op, size_t at,
			      struct tp_err *err) TP_MUSTUSE;

/* TP_UNAVAILABLE with what the server means by an error, or by any reply that was not expected. */
enum tp_rc redis_verbs_refused(struct redis_talk *t, struct redis_reply reply, struct tp_err *err);

#endif
