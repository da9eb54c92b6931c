#include "browser/meeting_url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* In Jibri's order. The page before 2022 knows the second prejoin form only; what a page does not
 * know it drops. */
static const char *const options[] = {
	"config.analytics.disabled=true",
	"config.disableInitialGUM=true",
	"config.externalConnectUrl=null",
	"config.iAmRecorder=true",
	"config.p2p.enabled=false",
	"config.prejoinConfig.enabled=false",
	"config.prejoinPageEnabled=false",
	"config.requireDisplayName=false",
	"config.deeplinking.disabled=true",
	"config.startWithAudioMuted=true",
	"config.startWithVideoMuted=true",
	"interfaceConfig.APP_NAME=%22Jibri%22",
};

/* What stands as it is keeps its meaning: "%xx" is not encoded again. */
static void write_encoded(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c <= ' ' || c >= 0x7f || strchr("\"<>`#", c))
			fprintf(out, "%%%02X", c);
		else
			fputc(c, out);
	}
}

/* One of the words between '&' in `list` that begins before `end`. */
static bool has_word(const char *list, const char *end, const char *word, size_t length)
{
	while (list < end) {
		size_t n = strcspn(list, "&");
		if (n == length && !memcmp(list, word, n))
			return true;
		list += n + (list[n] == '&');
	}
	return false;
}

static bool is_option(const char *word, size_t length)
{
	for (size_t i = 0; i < TR_COUNT(options); i++)
		if (strlen(options[i]) == length && !memcmp(options[i], word, length))
			return true;
	return false;
}

static void write_parameters(FILE *out, const char *list)
{
	for (const char *word = list; *word;) {
		size_t length = strcspn(word, "&");
		if (length > 0 && !is_option(word, length) && !has_word(list, word, word, length)) {
			fputc('&', out);
			write_encoded(out, word, length);
		}
		word += length + (word[length] == '&');
	}
}

int tr_meeting_url_format(const struct tr_meeting_url *meeting, char **ret_url)
{
	char *text = NULL;
	size_t size = 0;

	if (strncmp(meeting->url, "https://", 8) != 0 && strncmp(meeting->url, "http://", 7) != 0)
		return -EINVAL;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	write_encoded(out, meeting->url, strcspn(meeting->url, "#"));
	for (size_t i = 0; i < TR_COUNT(options); i++)
		fprintf(out, "%c%s", i == 0 ? '#' : '&', options[i]);
	if (meeting->rtcstats >= 0)
		fprintf(out, "&config.analytics.rtcstatsEnabled=%s",
			meeting->rtcstats ? "true" : "false");
	if (meeting->parameters)
		write_parameters(out, meeting->parameters);
	bool is_bad = ferror(out);
	if (fclose(out) != 0 || is_bad) {
		free(text);
		return -ENOMEM;
	}
	*ret_url = text;
	return 0;
}
