/* SPDX-License-Identifier: MIT */
/*
 * A web server on 127.0.0.1 that gives the same answer to every request, notes what it was asked
 * last, and dies with the process that started it. One at a time.
 */
#ifndef SUPPORT_WEB_PEER_H
#define SUPPORT_WEB_PEER_H

#include "base/str.h"

enum { WEB_PEER_NOTE = 262144 };

/* answer: the whole of it, with its head; copied by the fork. An absent one: takes the request and
 * is silent. */
void web_peer_start(struct span answer);
void web_peer_stop(void);

int web_peer_port(void);
const char *web_peer_note(void); /* the last request as it came; "" when there was none */

#endif
