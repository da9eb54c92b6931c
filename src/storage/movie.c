#include "storage/movie.h"

#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <string.h>
#include <sys/stat.h>

#define IO_BYTES (64 << 10)

int tr_movie_errno(int av_rc)
{
	switch (av_rc) {
	case AVERROR_INVALIDDATA:
		return -EBADMSG;
	case AVERROR_EOF:
		return -ENODATA;
	case AVERROR_DECODER_NOT_FOUND:
	case AVERROR_ENCODER_NOT_FOUND:
	case AVERROR_MUXER_NOT_FOUND:
	case AVERROR_PATCHWELCOME:
		return -ENOTSUP;
	default:
		return av_rc >= 0 || av_rc < -4096 ? -EIO : av_rc;
	}
}

static int read_bytes(void *user, uint8_t *buffer, int size)
{
	struct tr_movie *movie = user;
	int64_t left = movie->end - movie->at;

	if (left <= 0)
		return AVERROR_EOF;
	ssize_t n;
	do {
		n = pread(movie->fd, buffer, left < size ? (size_t)left : (size_t)size, movie->at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return AVERROR(errno);
	if (n == 0)
		return AVERROR_EOF;
	movie->at += n;
	return (int)n;
}

static int64_t seek_bytes(void *user, int64_t offset, int whence)
{
	struct tr_movie *movie = user;

	switch (whence & ~AVSEEK_FORCE) {
	case AVSEEK_SIZE:
		return movie->end;
	case SEEK_SET:
		break;
	case SEEK_CUR:
		offset += movie->at;
		break;
	case SEEK_END:
		offset += movie->end;
		break;
	default:
		return AVERROR(EINVAL);
	}
	if (offset < 0)
		return AVERROR(EINVAL);
	movie->at = offset;
	return offset;
}

static uint64_t big_endian(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Where the last whole box ends; a moof counts only together with its mdat. All of the file when it
 * is not made of boxes (then it is for libavformat to say what it is), or when the torn box is the
 * data of an ordinary file, of which much may be left. */
static int64_t find_whole_end(int fd, int64_t size, bool *ret_is_torn)
{
	int64_t at = 0, whole = 0;
	bool is_after_moof = false;

	while (at < size) {
		uint8_t head[16];
		ssize_t n = pread(fd, head, sizeof(head), at);
		if (at == 0 && (n < 8 || memcmp(head + 4, "ftyp", 4) != 0))
			return size;
		if (n < 8)
			break;
		uint64_t box = big_endian(head, 4);
		if (box == 1 && n == 16)
			box = big_endian(head + 8, 8);
		else if (box == 0)
			box = (uint64_t)(size - at);
		if (box < 8 || box > (uint64_t)(size - at)) {
			if (memcmp(head + 4, "mdat", 4) == 0 && !is_after_moof)
				whole = size;
			break;
		}
		at += (int64_t)box;
		is_after_moof = memcmp(head + 4, "moof", 4) == 0;
		if (!is_after_moof)
			whole = at;
	}
	*ret_is_torn = at < size || is_after_moof;
	return whole;
}

static int open_file(struct tr_movie *movie, int dirfd, const char *name)
{
	struct stat st;

	movie->fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (movie->fd < 0 || fstat(movie->fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size == 0)
		return -ENODATA;
	movie->size = st.st_size;
	movie->end = find_whole_end(movie->fd, st.st_size, &movie->is_torn);
	return movie->end > 0 ? 0 : -EBADMSG;
}

static int open_format(struct tr_movie *movie)
{
	uint8_t *buffer = av_malloc(IO_BYTES);

	if (!buffer)
		return -ENOMEM;
	movie->io = avio_alloc_context(buffer, IO_BYTES, 0, movie, read_bytes, NULL, seek_bytes);
	if (!movie->io) {
		av_free(buffer);
		return -ENOMEM;
	}
	movie->format = avformat_alloc_context();
	if (!movie->format)
		return -ENOMEM;
	movie->format->pb = movie->io;
	int rc = avformat_open_input(&movie->format, NULL, NULL, NULL);
	return rc < 0 ? tr_movie_errno(rc) : 0;
}

/* From the index of an ordinary file. Not format->duration, which newer FFmpegs fill only once the
 * packets were looked at. */
static int64_t longest_track_ns(const AVFormatContext *format)
{
	int64_t longest_ns = 0;

	for (unsigned i = 0; i < format->nb_streams; i++) {
		const AVStream *stream = format->streams[i];
		if (stream->duration == AV_NOPTS_VALUE || stream->duration <= 0)
			continue;
		int64_t ns = av_rescale_q(
			stream->duration, stream->time_base, (AVRational){1, (int)TR_NS_PER_S});
		if (ns > longest_ns)
			longest_ns = ns;
	}
	return longest_ns;
}

int tr_movie_open(int dirfd, const char *name, struct tr_movie **ret_movie)
{
	TR_CLEANUP(tr_movie_closep) struct tr_movie *movie = calloc(1, sizeof(*movie));

	if (!movie)
		return -ENOMEM;
	movie->fd = movie->video = movie->audio = -1;
	av_log_set_level(AV_LOG_QUIET); /* our own sentences say what matters */
	int rc = open_file(movie, dirfd, name);
	if (rc == 0)
		rc = open_format(movie);
	if (rc != 0)
		return rc;

	for (unsigned i = 0; i < movie->format->nb_streams; i++) {
		enum AVMediaType type = movie->format->streams[i]->codecpar->codec_type;
		if (type == AVMEDIA_TYPE_VIDEO && movie->video < 0)
			movie->video = (int)i;
		if (type == AVMEDIA_TYPE_AUDIO && movie->audio < 0)
			movie->audio = (int)i;
	}
	movie->duration_ns = longest_track_ns(movie->format);
	*ret_movie = tr_take(movie);
	return 0;
}

void tr_movie_close(struct tr_movie *movie)
{
	if (!movie)
		return;
	avformat_close_input(&movie->format);
	if (movie->io)
		av_freep(&movie->io->buffer);
	avio_context_free(&movie->io);
	if (movie->fd >= 0)
		close(movie->fd);
	free(movie);
}

int tr_movie_open_decoder(const struct tr_movie *movie, int stream, AVCodecContext **ret_codec)
{
	const AVCodecParameters *parameters = movie->format->streams[stream]->codecpar;
	const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);

	if (!codec)
		return -ENOTSUP;
	AVCodecContext *context = avcodec_alloc_context3(codec);
	if (!context)
		return -ENOMEM;
	int rc = avcodec_parameters_to_context(context, parameters);
	context->thread_count = 1;
	context->pkt_timebase = movie->format->streams[stream]->time_base;
	context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER;
	if (rc >= 0)
		rc = avcodec_open2(context, codec, NULL);
	if (rc < 0) {
		avcodec_free_context(&context);
		return tr_movie_errno(rc);
	}
	*ret_codec = context;
	return 0;
}
