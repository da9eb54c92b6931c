#include "output/stream_link.h"

#include "core/clock.h"
#include "output/stream_trouble_internal.h"

#include <dirent.h>
#include <errno.h>
#include <libavformat/avformat.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SEND_BUFFER_MIN (64 << 10)
#define SEND_BUFFER_MAX (1 << 20)
#define MPEGTS_SRT_PACKET "1316"

struct tr_stream_link {
	AVFormatContext *format;
	AVDictionary *io_options; /* for every connection that the muxer opens */
	AVPacket *packet;
	int video_index, audio_index; /* -1: none */
	int64_t picture_ns;	      /* a picture's usual length */
	bool has_begun;		      /* begin_ns counts */
	bool has_header;
	int64_t begin_ns;
	int64_t connect_until_ns; /* INT64_MAX when connected */
	int64_t watch_ns;	  /* when to look at the connection again */
	const _Atomic int64_t *abort_ns;
	char *url;
	struct tr_stream_trouble trouble;
};

/* ---- the connection ---- */

static int is_over(void *opaque)
{
	const struct tr_stream_link *link = opaque;
	int64_t now_ns = tr_clock_now_ns();

	return now_ns >= link->connect_until_ns || now_ns >= atomic_load(link->abort_ns);
}

/* libavformat says EIO for a name that is not known, as for much else. */
static int look_up(const struct tr_stream_link *link, struct tr_stream_link_problem *problem)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;

	int rc = getaddrinfo(link->trouble.where.host, NULL, &hints, &found);
	if (rc != 0)
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"the server %s is not found (%s)", link->trouble.where.host,
			gai_strerror(rc));
	freeaddrinfo(found);
	return 0;
}

static bool is_rtmp(const struct tr_stream_link *link)
{
	return link->trouble.where.scheme == TR_STREAM_URL_RTMP ||
	       link->trouble.where.scheme == TR_STREAM_URL_RTMPS;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)address)->sin_port);
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return 0;
}

/* The kernel's own limit is for silence, and must be off while there are answers: it also counts
 * the time in which the other side has no room, if it makes some only bit by bit. */
static void limit_silence(int fd, int timeout_ms)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int one = 1, seconds = 5;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return;
	bool is_silent = info.tcpi_last_ack_recv >= (unsigned)timeout_ms / 4;
	unsigned timeout = is_silent ? (unsigned)timeout_ms : 0;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
}

/*
 * A network that swallows everything is noticed by the kernel when nothing is acknowledged for some
 * time, whatever the bit rate is; that must be asked for per socket, and libavformat neither does
 * it nor tells the descriptor. So each TCP connection of this process to the target's port is
 * asked; one that belongs to somebody else is only watched more closely.
 */
static void limit_silence_of_port(int port, int timeout_ms)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		struct sockaddr_storage peer = {0};
		socklen_t size = sizeof(peer);
		int fd = atoi(entry->d_name);
		if (fd > 2 && getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
			port_of(&peer) == port)
			limit_silence(fd, timeout_ms);
	}
	closedir(folder);
}

/* To be called often, does something now and then. */
static void watch_silence(struct tr_stream_link *link)
{
	int64_t now_ns = tr_clock_now_ns();

	if (!is_rtmp(link) || now_ns < link->watch_ns)
		return;
	link->watch_ns = now_ns + link->trouble.io_timeout_ms * TR_NS_PER_MS / 8;
	limit_silence_of_port(link->trouble.where.port, link->trouble.io_timeout_ms);
}

/* Small enough that a slow target is seen in our queue and not hidden in the kernel's, large enough
 * for a second's data, which is what a far server has on the way at most. */
static int send_buffer(const struct tr_stream_link_settings *settings)
{
	int64_t bytes = (int64_t)(settings->video_kbps + settings->audio_kbps) * 1000 / 8;

	if (bytes < SEND_BUFFER_MIN)
		return SEND_BUFFER_MIN;
	return bytes > SEND_BUFFER_MAX ? SEND_BUFFER_MAX : (int)bytes;
}

static bool is_tcp(const struct tr_stream_link *link)
{
	return link->trouble.where.scheme != TR_STREAM_URL_SRT;
}

static void set_io_options(
	struct tr_stream_link *link, const struct tr_stream_link_settings *settings)
{
	AVDictionary **options = &link->io_options;

	av_dict_set_int(options, "rw_timeout", (int64_t)settings->io_timeout_ms * 1000, 0);
	if (is_tcp(link))
		av_dict_set_int(options, "send_buffer_size", send_buffer(settings), 0);
	if (link->trouble.where.scheme == TR_STREAM_URL_RTMPS ||
		link->trouble.where.scheme == TR_STREAM_URL_HTTPS) {
		av_dict_set(options, "tls_verify", "1", 0);
		if (settings->ca_file)
			av_dict_set(options, "ca_file", settings->ca_file, 0);
	}
	if (link->trouble.where.scheme == TR_STREAM_URL_SRT)
		av_dict_set(options, "pkt_size", MPEGTS_SRT_PACKET, 0);
}

/* For the muxer that opens its files itself (HLS): with our options behind its own. */
static int open_io(AVFormatContext *format, AVIOContext **pb, const char *url, int flags,
	AVDictionary **options)
{
	struct tr_stream_link *link = format->opaque;
	AVDictionary *all = NULL;

	av_dict_copy(&all, link->io_options, 0);
	if (options)
		av_dict_copy(&all, *options, 0);
	int rc = avio_open2(pb, url, flags, &format->interrupt_callback, &all);
	av_dict_free(&all);
	return rc;
}

/* ---- what is in it ---- */

static int set_extradata(AVCodecParameters *codec, const uint8_t *data, size_t size)
{
	codec->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
	if (!codec->extradata)
		return AVERROR(ENOMEM);
	memcpy(codec->extradata, data, size);
	codec->extradata_size = (int)size;
	return 0;
}

static int add_video(struct tr_stream_link *link, const struct tr_stream_link_settings *settings)
{
	AVStream *stream = avformat_new_stream(link->format, NULL);

	if (!stream)
		return AVERROR(ENOMEM);
	AVCodecParameters *codec = stream->codecpar;
	codec->codec_type = AVMEDIA_TYPE_VIDEO;
	codec->codec_id = AV_CODEC_ID_H264;
	codec->width = settings->width;
	codec->height = settings->height;
	codec->bit_rate = (int64_t)settings->video_kbps * 1000;
	stream->time_base = (AVRational){1, 90000};
	stream->avg_frame_rate = (AVRational){settings->frame_rate, 1};
	link->video_index = stream->index;
	return set_extradata(codec, settings->video_extradata, settings->video_extradata_size);
}

static int add_audio(struct tr_stream_link *link, const struct tr_stream_link_settings *settings)
{
	AVStream *stream = avformat_new_stream(link->format, NULL);

	if (!stream)
		return AVERROR(ENOMEM);
	AVCodecParameters *codec = stream->codecpar;
	codec->codec_type = AVMEDIA_TYPE_AUDIO;
	codec->codec_id = AV_CODEC_ID_AAC;
	codec->sample_rate = settings->audio_rate;
	codec->frame_size = 1024;
	codec->bit_rate = (int64_t)settings->audio_kbps * 1000;
	av_channel_layout_default(&codec->ch_layout, settings->audio_channels);
	stream->time_base = (AVRational){1, settings->audio_rate};
	link->audio_index = stream->index;
	return set_extradata(codec, settings->audio_extradata, settings->audio_extradata_size);
}

static const char *container_of(enum tr_stream_url_scheme scheme)
{
	switch (scheme) {
	case TR_STREAM_URL_SRT:
		return "mpegts";
	case TR_STREAM_URL_HTTP:
	case TR_STREAM_URL_HTTPS:
		return "hls";
	default:
		return "flv";
	}
}

static int make_format(struct tr_stream_link *link, const struct tr_stream_link_settings *settings)
{
	int rc = avformat_alloc_output_context2(
		&link->format, NULL, container_of(link->trouble.where.scheme), link->url);
	if (rc < 0)
		return rc;
	link->format->opaque = link;
	link->format->interrupt_callback = (AVIOInterruptCB){is_over, link};
	link->format->io_open = open_io;
	link->format->flags |= AVFMT_FLAG_FLUSH_PACKETS;
	link->packet = av_packet_alloc();
	if (!link->packet)
		return AVERROR(ENOMEM);
	if (settings->video_extradata_size > 0)
		rc = add_video(link, settings);
	if (rc >= 0 && settings->audio_extradata_size > 0)
		rc = add_audio(link, settings);
	return rc;
}

static int write_header(struct tr_stream_link *link)
{
	AVDictionary *options = NULL;

	if (tr_stream_url_is_http(link->trouble.where.scheme)) {
		av_dict_set(&options, "method", "PUT", 0);
		av_dict_set(&options, "hls_time", "2", 0);
		av_dict_set(&options, "hls_list_size", "6", 0);
		/* Not those of the connection before, which viewers may hold. */
		av_dict_set_int(&options, "start_number", tr_clock_wall_ns() / TR_NS_PER_S, 0);
	} else if (link->trouble.where.scheme != TR_STREAM_URL_SRT) {
		/* Nobody can go back in a live stream to fill these in. */
		av_dict_set(&options, "flvflags", "no_duration_filesize", 0);
	}
	int rc = avformat_write_header(link->format, &options);
	av_dict_free(&options);
	link->has_header = rc >= 0;
	if (rc >= 0 && link->format->pb) {
		avio_flush(link->format->pb);
		rc = link->format->pb->error;
	}
	return rc < 0 ? rc : 0;
}

/* Puts an empty playlist where the real one will be: nobody looks at the answers to what the muxer
 * puts, and a server that does not want it would never be noticed. */
static int put_playlist(struct tr_stream_link *link)
{
	AVDictionary *options = NULL;
	AVIOContext *answer = NULL;

	av_dict_set(&options, "method", "PUT", 0);
	av_dict_set(&options, "post_data", "234558544d33550a" /* #EXTM3U */, 0);
	int rc = open_io(link->format, &answer, link->url, AVIO_FLAG_READ, &options);
	av_dict_free(&options);
	avio_closep(&answer);
	return rc;
}

static int connect_to_target(struct tr_stream_link *link)
{
	int rc;

	if (tr_stream_url_is_http(link->trouble.where.scheme)) /* the muxer opens each file */
		rc = put_playlist(link);
	else
		rc = open_io(link->format, &link->format->pb, link->url, AVIO_FLAG_WRITE, NULL);
	if (rc >= 0)
		watch_silence(link);
	return rc < 0 ? rc : write_header(link);
}

static struct tr_stream_link *create(const struct tr_stream_link_settings *settings)
{
	struct tr_stream_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->video_index = link->audio_index = -1;
	link->picture_ns = TR_NS_PER_S / (settings->frame_rate > 0 ? settings->frame_rate : 30);
	link->abort_ns = settings->abort_ns;
	link->trouble.connect_timeout_ms = settings->connect_timeout_ms;
	link->trouble.io_timeout_ms = settings->io_timeout_ms;
	link->trouble.from_ns = tr_clock_now_ns();
	link->connect_until_ns =
		link->trouble.from_ns + settings->connect_timeout_ms * TR_NS_PER_MS;
	link->url = strdup(settings->url);
	if (!link->url) {
		free(link);
		return NULL;
	}
	link->trouble.url = link->url;
	link->trouble.ca_file = settings->ca_file;
	return link;
}

int tr_stream_link_open(const struct tr_stream_link_settings *settings,
	struct tr_stream_link_problem *ret_problem, struct tr_stream_link **ret_link)
{
	*ret_problem = (struct tr_stream_link_problem){0};
	TR_CLEANUP(tr_stream_link_abandonp) struct tr_stream_link *link = create(settings);
	if (!link)
		return tr_stream_trouble_say(ret_problem, TR_STREAM_LINK_MEMORY, "out of memory");
	if (tr_stream_url_read(link->url, &link->trouble.where) < 0)
		return tr_stream_trouble_say(
			ret_problem, TR_STREAM_LINK_REFUSED, "the URL cannot be streamed to");
	int rc = look_up(link, ret_problem);
	if (rc < 0)
		return rc;
	set_io_options(link, settings);

	tr_stream_trouble_listen(&link->trouble);
	rc = make_format(link, settings);
	if (rc >= 0)
		rc = connect_to_target(link);
	tr_stream_trouble_stop_listening();
	if (rc < 0)
		return tr_stream_trouble_explain_open(&link->trouble, rc, ret_problem);
	link->connect_until_ns = INT64_MAX;
	link->trouble.ca_file = NULL; /* borrowed for the call */
	*ret_link = tr_take(link);
	return 0;
}

int tr_stream_link_send(struct tr_stream_link *link, const struct tr_packet *packet,
	struct tr_stream_link_problem *ret_problem)
{
	bool is_video = packet->track == TR_PACKET_VIDEO;
	int index = is_video ? link->video_index : link->audio_index;

	if (index < 0)
		return 0;
	if (!link->has_begun) {
		link->has_begun = true;
		link->begin_ns = packet->pts_ns;
	}
	AVRational scale = link->format->streams[index]->time_base;
	AVRational ns = {1, 1000000000};
	int64_t duration_ns = packet->duration_ns > 0 ? packet->duration_ns : link->picture_ns;
	AVPacket *out = link->packet;
	out->data = (uint8_t *)packet->data; /* libavformat copies it where it would change it */
	out->size = (int)packet->size;
	out->stream_index = index;
	out->pts = av_rescale_q(packet->pts_ns - link->begin_ns, ns, scale);
	out->dts = out->pts;
	out->duration = av_rescale_q(duration_ns, ns, scale);
	out->flags = packet->is_key ? AV_PKT_FLAG_KEY : 0;

	watch_silence(link);
	tr_stream_trouble_listen(&link->trouble);
	int rc = av_write_frame(link->format, out);
	tr_stream_trouble_stop_listening();
	av_packet_unref(out);
	return rc < 0 ? tr_stream_trouble_explain_send(&link->trouble, rc, ret_problem) : 0;
}

static void close_link(struct tr_stream_link *link)
{
	tr_stream_trouble_listen(&link->trouble);
	if (link->format && link->format->pb && !tr_stream_url_is_http(link->trouble.where.scheme))
		avio_closep(&link->format->pb);
	avformat_free_context(link->format);
	av_packet_free(&link->packet);
	av_dict_free(&link->io_options);
	tr_stream_trouble_stop_listening();
	explicit_bzero(link->url, strlen(link->url));
	free(link->url);
	free(link);
}

void tr_stream_link_finish(struct tr_stream_link *link)
{
	tr_stream_trouble_listen(&link->trouble);
	if (link->has_header)
		av_write_trailer(link->format);
	tr_stream_trouble_stop_listening();
	close_link(link);
}

void tr_stream_link_abandon(struct tr_stream_link *link)
{
	if (!link)
		return;
	link->connect_until_ns = 0; /* no call waits for anything any more */
	close_link(link);
}
