/*
 * A slot process as its parent sees it: started with a socket pair, spoken to in messages, ended.
 *
 * Nothing here waits except tr_slot_client_stop(). The owner polls the descriptors: the line's for
 * messages, the log's for what the process writes to standard error.
 */
#ifndef TR_PROTOCOL_SLOT_CLIENT_H
#define TR_PROTOCOL_SLOT_CLIENT_H

#include "protocol/message.h"

#include <sys/types.h>

struct tr_slot_client;

/* The path of one of our own programs: beside the running one, else in the libexec folder. -ENOENT.
 */
TR_CHECKED int tr_slot_client_find_program(const char *name, char *out, size_t size);

/*
 * Starts `program --control-fd 3`. With is_log_piped its standard error comes through
 * tr_slot_client_read_log(), else it is ours. The environment is ours plus TELEREC_LOG_LEVEL (7:
 * debug, see core/log.h). -ENOENT when there is no such program, -errno. Says nothing.
 */
TR_CHECKED int tr_slot_client_start(
	const char *program, bool is_log_piped, int log_level, struct tr_slot_client **ret_client);

/* Kills it when it still runs. NULL is fine. */
void tr_slot_client_destroy(struct tr_slot_client *client);

pid_t tr_slot_client_pid(const struct tr_slot_client *client);

/* Readable when the process has ended; -1 when it was reaped. */
int tr_slot_client_exit_fd(const struct tr_slot_client *client);
struct tr_line *tr_slot_client_line(struct tr_slot_client *client); /* the client keeps it */

/* Readable when there is something to log, or its end; -1 when not piped or ended. */
int tr_slot_client_log_fd(const struct tr_slot_client *client);

/* The next whole line of standard error without its end, cut at `size`. -EAGAIN when there is
 * none now, -EPIPE after the last. */
TR_CHECKED int tr_slot_client_read_log(struct tr_slot_client *client, char *out, size_t size);

/* Without asking: SIGTERM, two seconds, SIGKILL for its group. The wait status, or -ECHILD. */
int tr_slot_client_abort(struct tr_slot_client *client);

/* Asks it to quit, waits at most `grace_ms`, then SIGTERM, two seconds, SIGKILL for its group. The
 * wait status, or -ECHILD when it was reaped before. Messages that came meanwhile can be read. */
int tr_slot_client_stop(struct tr_slot_client *client, int grace_ms);

TR_CLEANUP_DEFINE(struct tr_slot_client, tr_slot_client_destroy)

#endif
