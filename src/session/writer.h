/*
 * The thread that writes packets to disk. It alone may wait for the disk; everybody else goes on
 * until the queue is full.
 *
 * After an error on the disk it goes on taking packets and throws them away, so that nobody waits
 * for it; what is on disk stays playable.
 */
#ifndef TR_SESSION_WRITER_H
#define TR_SESSION_WRITER_H

#include "media/packetq.h"
#include "output/mp4.h"

struct tr_writer;

/* On the writer's thread, once. */
typedef void tr_writer_error_fn(int rc, void *user);

/* Takes the file and closes its own end with tr_writer_finish(). The queue must outlive it. */
TR_CHECKED int tr_writer_start(struct tr_mp4 *mp4, struct tr_packetq *queue,
	tr_writer_error_fn *on_error, void *user, struct tr_writer **ret_writer);

/* The queue must be closed, or soon be. Joins, ends the file, frees. The first error, or 0. */
TR_CHECKED int tr_writer_finish(struct tr_writer *writer);

/* Any thread, until finish. */
int64_t tr_writer_synced_ns(const struct tr_writer *writer);
int64_t tr_writer_bytes(const struct tr_writer *writer);

#endif
