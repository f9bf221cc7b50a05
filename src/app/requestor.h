/* SPDX-License-Identifier: MIT */
/*
 * A call's requests to other services: what tpauth_fetch_new() made for it. The public functions
 * are in <tpauth.h>.
 */
#ifndef APP_REQUESTOR_H
#define APP_REQUESTOR_H

struct requestor;

/* With the call, before its strings: gives up what is under way, and frees all of them. NULL: there
 * are none. */
void requestor_release(struct requestor *r);

#endif
