#include "control/metrics_text_internal.h"
#include "control/metrics_uploads_internal.h"

#include <stddef.h>

static void print_family(FILE *out, const struct tr_snapshot *snapshot, char *labels,
	const char *name, const char *type, const char *help,
	double (*read)(const struct tr_snapshot *, const struct tr_snapshot_upload *))
{
	tr_metrics_text_head(out, name, type, help);
	for (unsigned i = 0; i < snapshot->upload_count; i++) {
		labels[0] = '\0';
		tr_metrics_text_add_label(labels, "target", snapshot->uploads[i].name);
		tr_metrics_text_sample(out, name, labels, read(snapshot, &snapshot->uploads[i]));
	}
}

static double read_bytes(
	const struct tr_snapshot *snapshot, const struct tr_snapshot_upload *upload)
{
	(void)snapshot;
	return (double)upload->bytes;
}

static double read_lag(const struct tr_snapshot *snapshot, const struct tr_snapshot_upload *upload)
{
	int64_t lag_ms = upload->oldest_ms > 0 ? snapshot->now_ms - upload->oldest_ms : 0;
	return lag_ms > 0 ? (double)lag_ms / 1000 : 0;
}

static void print_word(FILE *out, char *labels, const char *name,
	const struct tr_snapshot_upload *upload, const char *label, const char *word, double value)
{
	labels[0] = '\0';
	tr_metrics_text_add_label(labels, "target", upload->name);
	tr_metrics_text_add_label(labels, label, word);
	tr_metrics_text_sample(out, name, labels, value);
}

void tr_metrics_uploads_print(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	static const char total[] = "telerec_uploads_total", open[] = "telerec_uploads_open";

	tr_metrics_text_head(
		out, total, "counter", "Attempts to upload a recording, by their end.");
	for (unsigned i = 0; i < snapshot->upload_count; i++) {
		const struct tr_snapshot_upload *upload = &snapshot->uploads[i];
		print_word(out, labels, total, upload, "result", "done", (double)upload->done);
		print_word(out, labels, total, upload, "result", "failed",
			(double)upload->failed_attempts);
	}
	tr_metrics_text_head(out, open, "gauge",
		"Recordings that the target has not got: they wait, run, or are tried again.");
	for (unsigned i = 0; i < snapshot->upload_count; i++) {
		const struct tr_snapshot_upload *upload = &snapshot->uploads[i];
		print_word(out, labels, open, upload, "state", "waiting", upload->waiting);
		print_word(out, labels, open, upload, "state", "running", upload->running);
		print_word(out, labels, open, upload, "state", "failed", upload->failing);
	}
	print_family(out, snapshot, labels, "telerec_upload_bytes_total", "counter",
		"Bytes that arrived at the target.", read_bytes);
	print_family(out, snapshot, labels, "telerec_upload_lag_seconds", "gauge",
		"For how long the oldest of these recordings waits; 0: there is none.", read_lag);
}
