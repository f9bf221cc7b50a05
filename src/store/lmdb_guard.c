/* SPDX-License-Identifier: MIT */
/*
 * The signal handler of the store. There are no threads, so one landing place is enough; a
 * write transaction is never guarded, for LMDB cannot undo one that was left in the middle. There
 * the process ends, which frees LMDB's lock.
 */
#include "store/lmdb_guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#include "base/banned.h"

enum { NULL_PAGES = 65536 }; /* where a pointer that was never set leads, with an offset */

static sigjmp_buf *volatile landing; /* NULL: nobody reads */

static struct rule {
	int number;
	struct sigaction before;
} rules[] = { { .number = SIGBUS }, { .number = SIGSEGV } };

static bool is_damage(int number, const siginfo_t *info)
{
	return number == SIGBUS || (uintptr_t)info->si_addr < NULL_PAGES;
}

static void land(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (landing != NULL && is_damage(number, info))
		siglongjmp(*landing, 1);
	/* None of ours: on return the same instruction faults again, under the old rule. */
	for (size_t i = 0; i < TP_COUNT(rules); i++)
		if (rules[i].number == number)
			sigaction(number, &rules[i].before, NULL);
}

void lmdb_guard_install(void)
{
	/* SA_NODEFER: the handler is left by a jump, which does not put a signal mask back. */
	struct sigaction act = { .sa_sigaction = land, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction old;

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < TP_COUNT(rules); i++) {
		if (sigaction(rules[i].number, NULL, &old) != 0 || old.sa_sigaction == land)
			continue;
		rules[i].before = old;
		sigaction(rules[i].number, &act, NULL);
	}
}

void lmdb_guard_assert(MDB_env *env, const char *what)
{
	(void)env;
	(void)what;
	if (landing != NULL)
		siglongjmp(*landing, 1);
}

int lmdb_guarded(int (*fn)(void *arg), void *arg, bool *ret_broken)
{
	sigjmp_buf place;
	int e;

	if (sigsetjmp(place, 0) != 0) {
		landing = NULL;
		*ret_broken = true;
		return MDB_CORRUPTED;
	}
	landing = &place;
	e = fn(arg);
	landing = NULL;
	return e;
}
