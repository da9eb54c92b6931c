#include "output/mp4.h"

#include "core/clock.h"
#include "core/log.h"
#include "output/mp4_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define TR_LOG_AREA "mp4"

#define FRAME_SAMPLES 1024	      /* of an AAC frame */
#define MAX_SAMPLES 500		      /* of a track in a fragment; with two, below IOV_MAX */
#define MAX_FRAGMENT_BYTES (32 << 20) /* of packets held in memory */
#define MAX_PACKET_BYTES (64 << 20)
#define LAST_PICTURE_MIN_NS (250 * TR_NS_PER_MS)
#define FIRST_PICTURE_MIN_NS (150 * TR_NS_PER_MS)
#define FIRST_FRAGMENT_NS (250 * TR_NS_PER_MS)
#define USUAL_PICTURE (TR_MP4_VIDEO_SCALE / 30)

struct sample {
	struct tr_packet *packet;
	int64_t time;	   /* in the track's scale; the priming makes it start at zero */
	uint32_t duration; /* known when the next one is, or at the fragment's end */
};

struct track {
	struct tr_mp4_track fixed;
	bool has_begun;
	int64_t last; /* where its newest sample starts */
	int64_t end;  /* where it ends so far: of sound exactly, of pictures at least */
	unsigned count;
	struct sample samples[MAX_SAMPLES];
};

struct tr_mp4 {
	int fd;
	int error; /* the first; no write is tried after it */
	int64_t size;
	int64_t fragment_ns;
	uint32_t sequence;
	int64_t length_at; /* of the number in mehd */
	size_t held_bytes;
	struct track video;
	struct track audio;
	struct tr_boxes boxes;

	/* atomic: for the queries */
	_Atomic int64_t bytes;
	_Atomic int64_t synced_ns;
	atomic_uint dropped;
};

/* ---- bytes to the disk ---- */

static int give_up(struct tr_mp4 *mp4, int rc)
{
	(void)!ftruncate(mp4->fd, mp4->size);
	return rc;
}

/* All of it behind the file's end, which moves only when it is on the disk. -errno with the end
 * unchanged. */
static int append(struct tr_mp4 *mp4, struct iovec *parts, int count, int64_t *ret_end)
{
	int64_t end = mp4->size;

	while (count > 0) {
		ssize_t n = pwritev(mp4->fd, parts, count, end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return give_up(mp4, n < 0 ? -errno : -EIO);
		end += n;
		while (count > 0 && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count > 0) {
			parts->iov_base = (uint8_t *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	/* A file system may find out only now that there is no room. */
	if (fdatasync(mp4->fd) < 0)
		return give_up(mp4, -errno);
	*ret_end = end;
	return 0;
}

static void move_end(struct tr_mp4 *mp4, int64_t end)
{
	mp4->size = end;
	atomic_store(&mp4->bytes, end);
}

static int remember(struct tr_mp4 *mp4, int rc)
{
	if (rc < 0 && mp4->error == 0) {
		mp4->error = rc;
		tr_fail(rc, "cannot write on; the file is whole up to %.1f s",
			(double)tr_mp4_synced_ns(mp4) / 1e9);
	}
	return mp4->error;
}

/* ---- fragments ---- */

static int64_t to_ns(const struct track *track, int64_t time)
{
	time -= track->fixed.shift;
	return time / track->fixed.scale * TR_NS_PER_S +
	       time % track->fixed.scale * TR_NS_PER_S / track->fixed.scale;
}

static int64_t from_ns(const struct track *track, int64_t ns)
{
	int64_t seconds = ns / TR_NS_PER_S;
	int64_t rest = ns % TR_NS_PER_S * track->fixed.scale;

	rest = (rest + (rest < 0 ? -TR_NS_PER_S / 2 : TR_NS_PER_S / 2)) / TR_NS_PER_S;
	return seconds * track->fixed.scale + rest + track->fixed.shift;
}

static int64_t latest_ns(const struct tr_mp4 *mp4)
{
	int64_t video = mp4->video.has_begun ? to_ns(&mp4->video, mp4->video.end) : 0;
	int64_t audio = mp4->audio.has_begun ? to_ns(&mp4->audio, mp4->audio.end) : 0;
	return video > audio ? video : audio;
}

/* Nothing of the recording is on the disk yet. */
static bool is_first(const struct tr_mp4 *mp4)
{
	return atomic_load(&mp4->synced_ns) == 0;
}

/* How many samples of the track the fragment takes; the last picture's length is not known yet. */
static unsigned settle_pictures(struct tr_mp4 *mp4, bool is_last)
{
	struct track *video = &mp4->video;

	if (video->count == 0)
		return 0;
	struct sample *last = &video->samples[video->count - 1];
	int64_t age_ns = latest_ns(mp4) - to_ns(video, last->time);
	int64_t duration = from_ns(video, age_ns) - video->fixed.shift;

	/* A fresh one waits for the next fragment and then has its true length. One that stands for
	 * long already goes out now, as long as it is so far: it shall not be lost with a cut. */
	int64_t least_ns = is_first(mp4) ? FIRST_PICTURE_MIN_NS : LAST_PICTURE_MIN_NS;
	if (!is_last && age_ns < least_ns)
		return video->count - 1;
	if (!is_last)
		duration -= TR_MP4_VIDEO_SCALE / 10; /* the next picture may be on its way */
	last->duration = (uint32_t)(duration > USUAL_PICTURE ? duration : USUAL_PICTURE);
	video->end = last->time + last->duration;
	return video->count;
}

static void put_track_fragment(struct tr_boxes *boxes, const struct track *track, unsigned count,
	bool is_video, size_t *at)
{
	/* sizes and durations per sample; the data's offset; pictures also their flags */
	uint32_t flags = 0x1 | 0x100 | 0x200 | (is_video ? 0x400 : 0);

	tr_boxes_begin(boxes, "traf");
	tr_boxes_begin_full(boxes, "tfhd", 0, 0x20000 /* offsets count from the moof */);
	tr_boxes_put32(boxes, track->fixed.id);
	tr_boxes_end(boxes);
	tr_boxes_begin_full(boxes, "tfdt", 1, 0);
	tr_boxes_put64(boxes, (uint64_t)track->samples[0].time);
	tr_boxes_end(boxes);
	tr_boxes_begin_full(boxes, "trun", 0, flags);
	tr_boxes_put32(boxes, count);
	*at = boxes->size;
	tr_boxes_put32(boxes, 0);
	for (unsigned i = 0; i < count; i++) {
		const struct sample *sample = &track->samples[i];
		tr_boxes_put32(boxes, sample->duration);
		tr_boxes_put32(boxes, (uint32_t)sample->packet->size);
		if (is_video)
			tr_boxes_put32(boxes,
				sample->packet->is_key ? TR_MP4_SAMPLE_KEY : TR_MP4_SAMPLE_DELTA);
	}
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
}

static size_t collect(const struct track *track, unsigned count, struct iovec *parts, int *used)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < count; i++) {
		struct tr_packet *packet = track->samples[i].packet;
		parts[(*used)++] = (struct iovec){packet->data, packet->size};
		bytes += packet->size;
	}
	return bytes;
}

/* Lets go of the first `count` samples. */
static void release(struct tr_mp4 *mp4, struct track *track, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		mp4->held_bytes -= track->samples[i].packet->size;
		tr_packet_unref(track->samples[i].packet);
	}
	track->count -= count;
	memmove(track->samples, track->samples + count, track->count * sizeof(*track->samples));
}

static int write_fragment(struct tr_mp4 *mp4, unsigned pictures, unsigned sounds)
{
	struct iovec parts[1 + 2 * MAX_SAMPLES];
	struct tr_boxes *boxes = &mp4->boxes;
	size_t video_at = 0, audio_at = 0;
	int used = 1;

	tr_boxes_reset(boxes);
	tr_boxes_begin(boxes, "free"); /* until all of it is there, see below */
	tr_boxes_begin_full(boxes, "mfhd", 0, 0);
	tr_boxes_put32(boxes, mp4->sequence + 1);
	tr_boxes_end(boxes);
	if (pictures > 0)
		put_track_fragment(boxes, &mp4->video, pictures, true, &video_at);
	if (sounds > 0)
		put_track_fragment(boxes, &mp4->audio, sounds, false, &audio_at);
	tr_boxes_end(boxes);

	size_t data_at = boxes->size + 8;
	size_t video_bytes = collect(&mp4->video, pictures, parts, &used);
	size_t audio_bytes = collect(&mp4->audio, sounds, parts, &used);
	if (pictures > 0)
		tr_boxes_set32(boxes, video_at, (uint32_t)data_at);
	if (sounds > 0)
		tr_boxes_set32(boxes, audio_at, (uint32_t)(data_at + video_bytes));
	tr_boxes_put32(boxes, (uint32_t)(8 + video_bytes + audio_bytes));
	tr_boxes_put_bytes(boxes, "mdat", 4);
	int rc = tr_boxes_check(boxes);
	if (rc < 0)
		return rc;

	/* Readers give up the whole file when its last moof is torn, but pass over a torn free box.
	 * So it is one until the fragment is on the disk, and becomes a moof by four bytes. */
	int64_t end = mp4->size;
	parts[0] = (struct iovec){boxes->data, boxes->size};
	rc = append(mp4, parts, used, &end);
	if (rc < 0)
		return rc;
	ssize_t n = pwrite(mp4->fd, "moof", 4, mp4->size + 4);
	if (n != 4 || fdatasync(mp4->fd) < 0)
		return give_up(mp4, n < 0 || n == 4 ? -errno : -EIO);
	move_end(mp4, end);
	mp4->sequence++;
	return 0;
}

/* Both tracks are on disk until the earlier of their ends; a track without packets does not count.
 */
static void note_synced(struct tr_mp4 *mp4)
{
	const struct track *tracks[] = {&mp4->video, &mp4->audio};
	int64_t synced = INT64_MAX;

	for (unsigned i = 0; i < TR_COUNT(tracks); i++) {
		const struct track *track = tracks[i];
		if (!track->has_begun)
			continue;
		int64_t end = to_ns(track, track->count > 0 ? track->samples[0].time : track->end);
		if (end < synced)
			synced = end;
	}
	if (synced != INT64_MAX && synced > atomic_load(&mp4->synced_ns))
		atomic_store(&mp4->synced_ns, synced);
}

static int close_fragment(struct tr_mp4 *mp4, bool is_last)
{
	unsigned pictures = settle_pictures(mp4, is_last);
	unsigned sounds = mp4->audio.count;

	if (pictures + sounds == 0)
		return 0;
	int rc = write_fragment(mp4, pictures, sounds);
	if (rc < 0)
		return remember(mp4, rc);
	release(mp4, &mp4->video, pictures);
	release(mp4, &mp4->audio, sounds);
	note_synced(mp4);
	return 0;
}

static bool is_full(const struct tr_mp4 *mp4)
{
	const struct track *tracks[] = {&mp4->video, &mp4->audio};
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < TR_COUNT(tracks); i++) {
		if (tracks[i]->count == MAX_SAMPLES)
			return true;
		if (tracks[i]->count > 0 && to_ns(tracks[i], tracks[i]->samples[0].time) < first)
			first = to_ns(tracks[i], tracks[i]->samples[0].time);
	}
	if (first == INT64_MAX)
		return false;
	int64_t enough_ns = is_first(mp4) && mp4->fragment_ns > FIRST_FRAGMENT_NS
				    ? FIRST_FRAGMENT_NS
				    : mp4->fragment_ns;
	return mp4->held_bytes >= MAX_FRAGMENT_BYTES || latest_ns(mp4) - first >= enough_ns;
}

/* ---- packets ---- */

/* Where the packet goes in its track, or -1. Rounding may make sound start a sample off. */
static int64_t place(const struct track *track, const struct tr_packet *packet, bool is_video)
{
	int64_t time = from_ns(track, packet->pts_ns);
	int64_t off = time - track->end;

	if (!track->has_begun)
		return time < 0 ? -1 : time;
	if (is_video)
		return time <= track->last ? -1 : time;
	if (off >= -2 && off <= 2)
		return track->end;
	return off < 0 ? -1 : time;
}

static void add(struct tr_mp4 *mp4, struct track *track, struct tr_packet *packet, int64_t time)
{
	bool is_video = track == &mp4->video;

	if (track->count > 0) {
		struct sample *last = &track->samples[track->count - 1];
		last->duration = (uint32_t)(time - last->time);
	}
	track->samples[track->count++] = (struct sample){
		.packet = tr_packet_ref(packet),
		.time = time,
		.duration = is_video ? USUAL_PICTURE : FRAME_SAMPLES,
	};
	track->has_begun = true;
	track->last = time;
	track->end = time + (is_video ? 1 : FRAME_SAMPLES);
	mp4->held_bytes += packet->size;
}

int tr_mp4_write(struct tr_mp4 *mp4, struct tr_packet *packet)
{
	bool is_video = packet->track == TR_PACKET_VIDEO;
	struct track *track = is_video ? &mp4->video : &mp4->audio;

	if (mp4->error < 0)
		return mp4->error;
	int64_t time = track->fixed.exists ? place(track, packet, is_video) : -1;
	if (time < 0 || packet->size == 0 || packet->size > MAX_PACKET_BYTES) {
		if (atomic_fetch_add(&mp4->dropped, 1) == 0)
			tr_warning("a packet of %zu bytes at %.3f s has no place, dropped; later "
				   "ones are only counted",
				packet->size, (double)packet->pts_ns / 1e9);
		return 0;
	}
	add(mp4, track, packet, time);
	return is_full(mp4) ? close_fragment(mp4, false) : 0;
}

int tr_mp4_flush(struct tr_mp4 *mp4)
{
	if (mp4->error < 0)
		return mp4->error;
	return close_fragment(mp4, false);
}

/* ---- open and close ---- */

static int create_file(struct tr_mp4 *mp4, const struct tr_mp4_settings *settings)
{
	mp4->fd = openat(
		settings->dirfd, settings->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (mp4->fd < 0)
		return tr_fail(-errno, "cannot create %s", settings->name);

	mp4->length_at =
		tr_mp4_put_header(&mp4->boxes, settings, &mp4->video.fixed, &mp4->audio.fixed);
	int rc = tr_boxes_check(&mp4->boxes);
	struct iovec header = {mp4->boxes.data, mp4->boxes.size};
	int64_t end;
	if (rc == 0)
		rc = append(mp4, &header, 1, &end);
	if (rc == 0) {
		move_end(mp4, end);
		rc = fsync(mp4->fd) < 0 ? -errno : 0;
	}
	if (rc < 0) {
		unlinkat(settings->dirfd, settings->name, 0);
		return tr_fail(rc, "cannot write the header of %s", settings->name);
	}

	/* The name itself must survive a power cut. */
	TR_CLEANUP(tr_closep)
	int folder = openat(settings->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) < 0)
		tr_warning("cannot sync the folder of %s, going on", settings->name);
	return 0;
}

static int check_settings(const struct tr_mp4_settings *settings)
{
	if (settings->video_extradata_size > 0 &&
		(settings->width < 1 || settings->width > 16384 || settings->height < 1 ||
			settings->height > 16384))
		return tr_fail(-EINVAL, "no MP4 can be %dx%d", settings->width, settings->height);
	if (settings->video_extradata_size == 0 && settings->audio_extradata_size == 0)
		return tr_fail(-EINVAL, "an MP4 needs a track");
	if (settings->audio_extradata_size > 64 || settings->audio_priming < 0)
		return tr_fail(-EINVAL, "unlikely sound settings");
	return 0;
}

int tr_mp4_open(const struct tr_mp4_settings *settings, struct tr_mp4 **ret_mp4)
{
	int rc = check_settings(settings);
	if (rc < 0)
		return rc;
	TR_CLEANUP(tr_mp4_abandonp) struct tr_mp4 *mp4 = calloc(1, sizeof(*mp4));
	if (!mp4)
		return -ENOMEM;
	mp4->fd = -1;
	mp4->fragment_ns =
		(settings->fragment_ms > 0 ? settings->fragment_ms : 1000) * TR_NS_PER_MS;
	mp4->video.fixed.exists = settings->video_extradata_size > 0;
	mp4->video.fixed.id = 1;
	mp4->video.fixed.scale = TR_MP4_VIDEO_SCALE;
	mp4->audio.fixed.exists = settings->audio_extradata_size > 0;
	mp4->audio.fixed.id = 2;
	mp4->audio.fixed.scale = TR_MP4_AUDIO_RATE;
	mp4->audio.fixed.shift = settings->audio_priming;

	rc = create_file(mp4, settings);
	if (rc < 0)
		return rc;
	*ret_mp4 = tr_take(mp4);
	return 0;
}

/* Players then know the length without walking all fragments. */
static int write_length(struct tr_mp4 *mp4)
{
	int64_t ms = latest_ns(mp4) / TR_NS_PER_MS;
	uint8_t bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((uint64_t)ms >> (56 - 8 * i));
	if (pwrite(mp4->fd, bytes, sizeof(bytes), mp4->length_at) != sizeof(bytes))
		return errno ? -errno : -EIO;
	return fsync(mp4->fd) < 0 ? -errno : 0;
}

int tr_mp4_finish(struct tr_mp4 *mp4)
{
	int rc = mp4->error;

	if (rc == 0)
		rc = close_fragment(mp4, true);
	if (rc == 0)
		rc = remember(mp4, write_length(mp4));
	tr_mp4_abandon(mp4);
	return rc;
}

void tr_mp4_abandon(struct tr_mp4 *mp4)
{
	if (!mp4)
		return;
	release(mp4, &mp4->video, mp4->video.count);
	release(mp4, &mp4->audio, mp4->audio.count);
	tr_boxes_fini(&mp4->boxes);
	if (mp4->fd >= 0)
		close(mp4->fd);
	free(mp4);
}

int64_t tr_mp4_bytes(const struct tr_mp4 *mp4)
{
	return atomic_load(&mp4->bytes);
}

int64_t tr_mp4_synced_ns(const struct tr_mp4 *mp4)
{
	return atomic_load(&mp4->synced_ns);
}

unsigned tr_mp4_dropped(const struct tr_mp4 *mp4)
{
	return atomic_load(&mp4->dropped);
}
