/* SPDX-License-Identifier: MIT */
#include "support/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/folder.h"

#include "base/banned.h"

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

char *certs_file(const char *name)
{
	static char names[8][128];
	static int next;
	char *at = names[next++ % 8];

	snprintf(at, sizeof(names[0]), "%s", folder_path(name));
	return at;
}

static void openssl(const char *args)
{
	char line[1024];
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(line, sizeof(line), "cd %s && openssl %s 2>/dev/null", folder_path("."),
			 args);
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "openssl %s: status %d\n", args, status);
		exit(EXIT_FAILURE);
	}
}

void certs_authority(const char *name)
{
	char line[300];

	snprintf(line, sizeof(line),
		 "req -x509 " NEW_KEY " -days 2 -keyout %s.key -out %s.pem -subj /CN=%s", name,
		 name, name);
	openssl(line);
}

void certs_issue(const char *name, const char *authority, const char *san, int days)
{
	char line[700];

	snprintf(line, sizeof(line),
		 "req " NEW_KEY " -keyout %s.key -out %s.csr -subj /CN=%s && "
		 "echo subjectAltName=%s > %s.ext && openssl x509 -req -in %s.csr -days %d "
		 "-extfile %s.ext -out %s.pem -CA %s.pem -CAkey %s.key -CAcreateserial",
		 name, name, name, san, name, name, days, name, name, authority, authority);
	openssl(line);
}
