/*
 * The way to one slot process, whoever started it: ourselves (a child with a socket pair), or the
 * service manager (it has connected to a socket of ours, see slotdoor.h).
 */
#ifndef TR_SUPERVISOR_SLOTLINK_H
#define TR_SUPERVISOR_SLOTLINK_H

#include "protocol/line.h"

#include <sys/types.h>

struct tr_slotlink;

/* Starts the program; with is_log_piped what it writes to standard error comes through
 * tr_slotlink_read_log(). -ENOENT, -errno; said. */
TR_CHECKED int tr_slotlink_start(
	const char *program, bool is_log_piped, int log_level, struct tr_slotlink **ret_link);

/* Takes the connection of the process `pid`, which belongs to `uid`. -errno. */
TR_CHECKED int tr_slotlink_adopt(int fd, pid_t pid, uid_t uid, struct tr_slotlink **ret_link);

struct tr_line *tr_slotlink_line(struct tr_slotlink *link); /* the link keeps it */
uid_t tr_slotlink_uid(const struct tr_slotlink *link);	    /* of an adopted one; else ours */

pid_t tr_slotlink_pid(const struct tr_slotlink *link); /* of a child; else 0 */

/* Readable when the process has ended; -1 when that cannot be seen. */
int tr_slotlink_exit_fd(const struct tr_slotlink *link);

/* To poll, -1: not piped; and see tr_slot_client_read_log(). */
int tr_slotlink_log_fd(const struct tr_slotlink *link);
TR_CHECKED int tr_slotlink_read_log(struct tr_slotlink *link, char *out, size_t size);

/* Ends what is left of it and says in `fate` how it ended. One that hangs is killed at once, else
 * it gets two seconds. Of an adopted one only the connection is sure to end; the rest is the
 * service manager's. */
void tr_slotlink_abort(struct tr_slotlink *link, bool is_hung, char *fate, size_t size);

/* Asks it to end, without waiting; then waits for it, and kills it when it takes longer. */
void tr_slotlink_ask_to_quit(struct tr_slotlink *link);
void tr_slotlink_wait(struct tr_slotlink *link, int grace_ms);

/* Kills what we started. NULL is fine. */
void tr_slotlink_destroy(struct tr_slotlink *link);

TR_CLEANUP_DEFINE(struct tr_slotlink, tr_slotlink_destroy)

#endif
