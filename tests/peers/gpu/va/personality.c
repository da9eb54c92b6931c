#include "personality.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <va/va.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CONF_MAX 2048

#define RC_ALL (VA_RC_CQP | VA_RC_CBR | VA_RC_VBR)
#define PACKED_ALL                                                                                 \
	(VA_ENC_PACKED_HEADER_SEQUENCE | VA_ENC_PACKED_HEADER_PICTURE |                            \
		VA_ENC_PACKED_HEADER_SLICE | VA_ENC_PACKED_HEADER_MISC |                           \
		VA_ENC_PACKED_HEADER_RAW_DATA)

static const struct {
	const char *name;
	struct tr_va_personality personality;
} personalities[] = {
	{"intel-new",
		{.vendor = "Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 (telerec test)",
			.has_slice = true,
			.has_low_power = true,
			.rate_control = RC_ALL,
			.low_power_rate_control = RC_ALL,
			.packed_headers = PACKED_ALL,
			.references = 2 | 1 << 16,
			.quality_range = 7,
			.max_slices = 256,
			.max_width = 4096,
			.max_height = 4096,
			.has_vpp = true,
			.has_derive = true,
			.has_sync_buffer = true,
			.has_prime_2 = true}},
	{"intel-old", {.vendor = "Intel i965 driver for Intel(R) Kaby Lake - 2.4.1 (telerec test)",
			      .has_slice = true,
			      .rate_control = RC_ALL,
			      .packed_headers = PACKED_ALL,
			      .references = 1 | 1 << 16,
			      .quality_range = 7,
			      .max_slices = 256,
			      .max_width = 4096,
			      .max_height = 4096,
			      .has_vpp = true,
			      .has_derive = true}},
	/* The free build on Skylake to Tiger Lake: no shaders, so neither EncSlice nor VPP. */
	{"lp-only", {.vendor = "Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 (telerec test)",
			    .has_low_power = true,
			    .low_power_rate_control = RC_ALL,
			    .packed_headers = PACKED_ALL,
			    .references = 1,
			    .quality_range = 7,
			    .max_slices = 256,
			    .max_width = 4096,
			    .max_height = 4096,
			    .has_derive = true,
			    .has_sync_buffer = true,
			    .has_prime_2 = true}},
	/* The same without HuC. */
	{"lp-cqp-only",
		{.vendor = "Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 (telerec test)",
			.has_low_power = true,
			.low_power_rate_control = VA_RC_CQP,
			.packed_headers = PACKED_ALL,
			.references = 1,
			.quality_range = 7,
			.max_slices = 256,
			.max_width = 4096,
			.max_height = 4096,
			.has_derive = true,
			.has_sync_buffer = true,
			.has_prime_2 = true}},
	{"amd", {.vendor = "Mesa Gallium driver 22.3.6 for AMD Radeon Graphics (raven, telerec test)",
			.has_slice = true,
			.rate_control = RC_ALL,
			.references = 1,
			.quality_range = 32,
			.max_slices = 128,
			.max_width = 4096,
			.max_height = 2304,
			.has_vpp = true,
			.has_derive = true,
			.has_sync_buffer = true,
			.is_sync_infinite_only = true,
			.has_prime_2 = true}},
	{"decode-only", {.vendor = "VA-API NVDEC driver [direct backend] (telerec test)",
				.is_decode_only = true,
				.max_width = 4096,
				.max_height = 4096,
				.has_derive = true,
				.has_prime_2 = true}},
};

static const struct {
	const char *driver, *personality;
} defaults[] = {{"i965", "intel-old"}, {"radeonsi", "amd"}, {"nvidia", "decode-only"}};

/* Calls by name, with the status that a real driver was seen to return there. */
static const struct {
	const char *name;
	enum tr_va_call call;
	int status;
} calls[] = {
	{"init", TR_VA_INIT, VA_STATUS_ERROR_OPERATION_FAILED},
	{"createconfig", TR_VA_CREATE_CONFIG, VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT},
	{"createcontext", TR_VA_CREATE_CONTEXT, VA_STATUS_ERROR_ALLOCATION_FAILED},
	{"createsurfaces", TR_VA_CREATE_SURFACES, VA_STATUS_ERROR_ALLOCATION_FAILED},
	{"beginpicture", TR_VA_BEGIN_PICTURE, VA_STATUS_ERROR_HW_BUSY},
	{"begin", TR_VA_BEGIN_PICTURE, VA_STATUS_ERROR_HW_BUSY},
	{"renderpicture", TR_VA_RENDER_PICTURE, VA_STATUS_ERROR_OPERATION_FAILED},
	{"render", TR_VA_RENDER_PICTURE, VA_STATUS_ERROR_OPERATION_FAILED},
	{"endpicture", TR_VA_END_PICTURE, VA_STATUS_ERROR_ENCODING_ERROR},
	{"end", TR_VA_END_PICTURE, VA_STATUS_ERROR_ENCODING_ERROR},
	{"sync", TR_VA_SYNC, VA_STATUS_ERROR_HW_BUSY},
	{"map", TR_VA_MAP, VA_STATUS_ERROR_OPERATION_FAILED},
	{"mapimage", TR_VA_MAP_IMAGE, VA_STATUS_ERROR_OPERATION_FAILED},
	{"derive", TR_VA_DERIVE, VA_STATUS_ERROR_OPERATION_FAILED},
	{"close", TR_VA_DESTROY_CONTEXT, VA_STATUS_ERROR_OPERATION_FAILED},
	{"import", TR_VA_IMPORT, VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE},
	{"vpp", TR_VA_CONVERT, VA_STATUS_ERROR_OPERATION_FAILED},
};

/* Deeds by name, and the call at which they happen when a picture is named. */
static const struct {
	const char *name;
	enum tr_va_deed deed;
	enum tr_va_call call;
} deeds[] = {
	{"empty", TR_VA_EMPTY, TR_VA_END_PICTURE},
	{"garbage", TR_VA_GARBAGE, TR_VA_END_PICTURE},
	{"hang", TR_VA_HANG, TR_VA_SYNC},
	{"exit", TR_VA_EXIT, TR_VA_END_PICTURE},
	{"abort", TR_VA_ABORT, TR_VA_END_PICTURE},
	{"slow", TR_VA_SLOW, TR_VA_SYNC},
	{"colours", TR_VA_COLOURS, TR_VA_CONVERT},
};

static bool find_call(const char *name, struct tr_va_fault *fault)
{
	for (size_t i = 0; i < COUNT(calls); i++)
		if (!strcmp(calls[i].name, name)) {
			fault->call = calls[i].call;
			if (fault->deed == TR_VA_FAIL && !fault->value)
				fault->value = calls[i].status;
			return true;
		}
	return false;
}

static bool find_deed(const char *name, struct tr_va_fault *fault)
{
	for (size_t i = 0; i < COUNT(deeds); i++)
		if (!strcmp(deeds[i].name, name)) {
			fault->deed = deeds[i].deed;
			fault->call = deeds[i].call;
			return true;
		}
	return find_call(name, fault);
}

/* The part after '@': "start", a picture's number, "close", or the name of a call. */
static bool parse_when(const char *when, struct tr_va_fault *fault)
{
	char *end;

	if (!strcmp(when, "start")) {
		bool is_process_end = fault->deed == TR_VA_HANG || fault->deed == TR_VA_EXIT ||
				      fault->deed == TR_VA_ABORT;
		fault->frame = is_process_end ? -1 : 0;
		if (is_process_end)
			fault->call = TR_VA_CREATE_CONTEXT;
		return true;
	}
	fault->frame = strtol(when, &end, 10);
	if (end != when && !*end)
		return fault->frame >= 0;
	fault->frame = -1;
	return find_call(when, fault);
}

/* KIND[:VALUE][@WHEN] */
static bool parse_fault(char *text, struct tr_va_personality *p)
{
	if (p->fault_count == TR_VA_FAULTS_MAX)
		return false;
	struct tr_va_fault *fault = &p->faults[p->fault_count++];
	*fault = (struct tr_va_fault){.frame = -1};
	char *when = strchr(text, '@'), *value;
	if (when)
		*when++ = '\0';
	value = strchr(text, ':');
	if (value) {
		*value++ = '\0';
		fault->value = atoi(value);
	}
	return find_deed(text, fault) && (!when || parse_when(when, fault));
}

static bool set_personality(const char *name, struct tr_va_personality *p)
{
	for (size_t i = 0; i < COUNT(personalities); i++)
		if (!strcmp(personalities[i].name, name)) {
			struct tr_va_personality old = *p;
			*p = personalities[i].personality;
			memcpy(p->state, old.state, sizeof(p->state));
			memcpy(p->log, old.log, sizeof(p->log));
			return true;
		}
	return false;
}

static bool parse_flag(const char *word, struct tr_va_personality *p)
{
	if (!strcmp(word, "no-vpp"))
		p->has_vpp = false;
	else if (!strcmp(word, "no-derive"))
		p->has_derive = false;
	else if (!strcmp(word, "no-syncbuffer"))
		p->has_sync_buffer = false;
	else if (!strcmp(word, "no-packed"))
		p->packed_headers = 0;
	else if (!strcmp(word, "no-b"))
		p->references &= 0xffff;
	else if (!strcmp(word, "no-references"))
		p->references = 0;
	else if (!strcmp(word, "cqp-only"))
		p->rate_control = p->low_power_rate_control = VA_RC_CQP;
	else if (!strcmp(word, "no-rgb"))
		p->has_no_rgb = true;
	else if (!strcmp(word, "no-background"))
		p->has_no_background = true;
	else if (!strcmp(word, "no-prime2"))
		p->has_prime_2 = false;
	else if (!strcmp(word, "lazy"))
		p->is_lazy = true;
	else if (!strcmp(word, "once"))
		p->is_once = true;
	else
		return false;
	return true;
}

static bool copy_path(const char *from, char *to)
{
	return snprintf(to, TR_VA_PATH_MAX, "%s", from) < TR_VA_PATH_MAX;
}

static bool parse_word(char *word, struct tr_va_personality *p)
{
	char *value = strchr(word, '=');

	if (!*word || *word == '#')
		return true;
	if (!value)
		return parse_flag(word, p);
	*value++ = '\0';
	if (!strcmp(word, "personality"))
		return true; /* was looked for first */
	if (!strcmp(word, "fault"))
		return parse_fault(value, p);
	if (!strcmp(word, "max"))
		return sscanf(value, "%ux%u", &p->max_width, &p->max_height) == 2;
	if (!strcmp(word, "pitch"))
		return (p->pitch_step = (unsigned)atoi(value)) > 0;
	if (!strcmp(word, "session-limit"))
		return (p->session_limit = atoi(value)) > 0;
	if (!strcmp(word, "log"))
		return copy_path(value, p->log);
	if (!strcmp(word, "state"))
		return copy_path(value, p->state);
	if (!strcmp(word, "slow")) {
		char fault[32];
		snprintf(fault, sizeof(fault), "slow:%d", atoi(value));
		return parse_fault(fault, p);
	}
	return false;
}

#define SEPARATORS ", \t\n"

static bool refuse(const char *word)
{
	fprintf(stderr, "telerec test driver: what is \"%s\"?\n", word);
	return false;
}

/* Wherever it stands: the other words change it. */
static bool parse_personality(const char *text, struct tr_va_personality *p)
{
	static const char key[] = "personality=";
	const char *found = strstr(text, key);
	char name[32];

	if (!found)
		return true;
	found += strlen(key);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(found, SEPARATORS), found);
	return set_personality(name, p) || refuse(name);
}

/* Words are parted by commas or white space. */
static bool parse(char *text, struct tr_va_personality *p)
{
	char *place;

	if (!parse_personality(text, p))
		return false;
	for (char *word = strtok_r(text, SEPARATORS, &place); word;
		word = strtok_r(NULL, SEPARATORS, &place)) {
		char copy[TR_VA_PATH_MAX];
		snprintf(copy, sizeof(copy), "%s", word);
		if (!parse_word(word, p))
			return refuse(copy);
	}
	return true;
}

static void read_conf(const char *path, char *text, size_t size)
{
	char conf[PATH_MAX];

	*text = '\0';
	snprintf(conf, sizeof(conf), "%s.conf", path);
	FILE *file = fopen(conf, "re");
	if (!file)
		return;
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static const char *default_personality(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	for (size_t i = 0; i < COUNT(defaults); i++)
		if (!strncmp(name, defaults[i].driver, strlen(defaults[i].driver)))
			return defaults[i].personality;
	return "intel-new";
}

bool tr_va_personality_read(const char *path, struct tr_va_personality *ret)
{
	char text[CONF_MAX];
	const char *environment = secure_getenv("TR_TEST_VA");

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->state, sizeof(ret->state), "%.*s", (int)(sizeof(ret->state) - 1), path);
	char *slash = strrchr(ret->state, '/');
	if (slash)
		*slash = '\0';
	set_personality(default_personality(path), ret);
	read_conf(path, text, sizeof(text));
	if (!parse(text, ret))
		return false;
	snprintf(text, sizeof(text), "%s", environment ? environment : "");
	return parse(text, ret);
}

/* True when no process has done so before. */
static bool is_first_ever(const struct tr_va_personality *p)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/fault-done", p->state);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void sleep_ms(int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

int tr_va_personality_strike(const struct tr_va_personality *p, enum tr_va_call call, int64_t frame,
	enum tr_va_deed *ret_deed)
{
	if (ret_deed)
		*ret_deed = TR_VA_FAIL;
	for (unsigned i = 0; i < p->fault_count; i++) {
		const struct tr_va_fault *fault = &p->faults[i];
		if (fault->call != call || frame < fault->frame)
			continue;
		if (fault->deed == TR_VA_SLOW) {
			sleep_ms(fault->value);
			continue;
		}
		if (p->is_once && !is_first_ever(p))
			continue;
		tr_va_personality_log(
			p, "fault deed=%d call=%d frame=%lld", fault->deed, call, (long long)frame);
		if (fault->deed == TR_VA_FAIL)
			return fault->value;
		if (fault->deed == TR_VA_EXIT)
			exit(1);
		if (fault->deed == TR_VA_ABORT)
			abort();
		while (fault->deed == TR_VA_HANG)
			pause();
		if (ret_deed)
			*ret_deed = fault->deed;
	}
	return 0;
}

void tr_va_personality_log(const struct tr_va_personality *p, const char *format, ...)
{
	char line[512];
	va_list arguments;

	if (!p->log[0])
		return;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	length = length < (int)sizeof(line) - 1 ? length : (int)sizeof(line) - 2;
	line[length++] = '\n';
	int fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	if (write(fd, line, (size_t)length) < 0)
		perror(p->log);
	close(fd);
}

int tr_va_personality_take_session(const struct tr_va_personality *p)
{
	char path[PATH_MAX];

	for (int i = 0; i < p->session_limit; i++) {
		snprintf(path, sizeof(path), "%s/session.%d", p->state, i);
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}
