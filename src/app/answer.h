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

struct app_answer {
	struct http_call *http;
	struct requestor *requestor; /* what it asks of other services; NULL: nothing */
};

#endif
