/* SPDX-License-Identifier: MIT */
/*
 * What a handler answers, while it may still change its mind: the body is in the response already,
 * the rest is here. struct tpauth_call has it in `answer`.
 */
#ifndef APP_ANSWER_H
#define APP_ANSWER_H

#include "hook/call.h"
#include "http/router.h"

struct requestor;

enum { ANSWER_TYPE_MOST = 255 };

struct app_answer {
	struct http_call *http;
	struct requestor *requestor;	 /* what it asks of other services; NULL: nothing */
	int status;			 /* 0: none yet */
	char type[ANSWER_TYPE_MOST + 1]; /* Content-Type; "": none */
	struct tp_err failure;		 /* the last one could not be given; rc TP_OK: it could */
};

/* Puts the answer into the response; one that was never given is 204. TP_INTERNAL, TP_NOMEM: the
 * last one could not be given. */
enum tp_rc answer_settle(struct app_answer *a, struct tp_err *err) TP_MUSTUSE;

#endif
