/* SPDX-License-Identifier: MIT */
/* A folder of files for one case: made and removed with all that is in it by a fixture. */
#ifndef SUPPORT_FOLDER_H
#define SUPPORT_FOLDER_H

void folder_make(void); /* everybody may go into it */
void folder_remove(void);

/* The path of a file in it; "" is the folder itself. Borrowed until the next call. */
const char *folder_path(const char *name);

/* Writes in place: a file that is there is emptied first and stays the same one. */
void folder_write(const char *name, const char *text);

#endif
