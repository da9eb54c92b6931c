#include "control/jibri_health.h"

static const char *busy_word(enum tr_control_health busy)
{
	return busy == TR_CONTROL_IDLE ? "IDLE" : busy == TR_CONTROL_EXPIRED ? "EXPIRED" : "BUSY";
}

json_t *tr_jibri_health_text(const char *text)
{
	json_t *string = json_string(text);
	return string ? string : json_string("");
}

json_t *tr_jibri_health_pack(const struct tr_control_presence *presence)
{
	const char *word = presence->is_healthy ? "HEALTHY" : "UNHEALTHY";
	json_t *details = json_object();

	if (!presence->is_healthy)
		json_object_set_new(details, "JibriManager",
			json_pack("{s:s, s:o}", "healthStatus", word, "detail",
				tr_jibri_health_text(presence->problem)));
	return json_pack("{s:s, s:{s:s, s:o}}", "busyStatus", busy_word(presence->busy), "health",
		"healthStatus", word, "details", details);
}
