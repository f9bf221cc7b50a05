/* SPDX-License-Identifier: MIT */
/* Authorities and certificates of a test, made by openssl(1) in its folder (support/folder.h): each
 * is NAME.pem with its key in NAME.key. They end the program with a message when they fail. */
#ifndef SUPPORT_CERTS_H
#define SUPPORT_CERTS_H

void certs_authority(const char *name);

/* san: as openssl writes it, "DNS:a.example,IP:127.0.0.1". days: from now; -1: over since then. */
void certs_issue(const char *name, const char *authority, const char *san, int days);

/* The path of a file in the folder; eight of them live at a time. */
char *certs_file(const char *name);

#endif
