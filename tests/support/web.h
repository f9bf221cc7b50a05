/* SPDX-License-Identifier: MIT */
/*
 * A web server for one case: a child that answers each request with the same bytes, and notes what
 * it was asked. What fails in it ends it, and the case finds no answer.
 *
 *	web_start(&(struct web_spec){ .answer = WEB_OK });
 *	... web_url("/path") ... web_note() ...
 *	web_stop();
 */
#ifndef SUPPORT_WEB_H
#define SUPPORT_WEB_H

enum { WEB_NOTE = 16384 };

#define WEB_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct web_spec {
	const char *answer;  /* closed behind it; NULL: takes the request and is silent */
	const char *trailer; /* so often after answer; NULL: not at all */
	long times;
	int together; /* requests that are read before the first of them gets its answer, the last
			 one first; 0: 1 */
	const char *cert; /* https: NAME.pem and NAME.key of support/certs.h; NULL: http */
};

void web_start(const struct web_spec *spec);
void web_stop(void); /* also where none was started */

/* Good until the next call. */
const char *web_url(const char *path);

/* All that was asked so far, one request behind the other. */
const char *web_note(void);

#endif
