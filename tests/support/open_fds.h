/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_OPEN_FDS_H
#define SUPPORT_OPEN_FDS_H

/* How many descriptors are open, of the first 256, and how many of them a program that is executed
 * would inherit; ret_inherited may be NULL. */
int open_fds(int *ret_inherited);

#endif
