#define TR_LOG_AREA "writer"
#include "session/writer.h"

#include "core/log.h"

#include <errno.h>
#include <pthread.h>

#define FLUSH_AFTER_MS 1000

struct tr_writer {
	/* fixed after start */
	struct tr_mp4 *mp4;
	struct tr_packetq *queue;
	tr_writer_error_fn *on_error;
	void *user;
	pthread_t thread;

	/* the writer's thread, and finish() after the join */
	int rc;
};

static void note_error(struct tr_writer *writer, int rc)
{
	if (writer->rc < 0 || rc >= 0)
		return;
	writer->rc = rc;
	if (writer->on_error)
		writer->on_error(rc, writer->user);
}

static void *run(void *user)
{
	struct tr_writer *writer = user;

	pthread_setname_np(pthread_self(), "writer");
	for (;;) {
		struct tr_packet *packet = NULL;
		int rc = tr_packetq_pop(writer->queue, FLUSH_AFTER_MS, &packet);
		if (rc == -EPIPE)
			return NULL;
		if (writer->rc == 0)
			note_error(writer, rc == -EAGAIN ? tr_mp4_flush(writer->mp4)
							 : tr_mp4_write(writer->mp4, packet));
		tr_packet_unref(packet);
	}
}

int tr_writer_start(struct tr_mp4 *mp4, struct tr_packetq *queue, tr_writer_error_fn *on_error,
	void *user, struct tr_writer **ret_writer)
{
	struct tr_writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		tr_mp4_abandon(mp4);
		return -ENOMEM;
	}
	*writer =
		(struct tr_writer){.mp4 = mp4, .queue = queue, .on_error = on_error, .user = user};
	int rc = -pthread_create(&writer->thread, NULL, run, writer);
	if (rc < 0) {
		tr_mp4_abandon(mp4);
		free(writer);
		return tr_fail(rc, "no thread for the file");
	}
	*ret_writer = writer;
	return 0;
}

int tr_writer_finish(struct tr_writer *writer)
{
	pthread_join(writer->thread, NULL);
	int rc = tr_mp4_finish(writer->mp4);
	if (writer->rc < 0)
		rc = writer->rc;
	free(writer);
	return rc;
}

int64_t tr_writer_synced_ns(const struct tr_writer *writer)
{
	return tr_mp4_synced_ns(writer->mp4);
}

int64_t tr_writer_bytes(const struct tr_writer *writer)
{
	return tr_mp4_bytes(writer->mp4);
}
