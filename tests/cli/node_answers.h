/* What a node might answer, for tests of the verbs: as conf/openapi.yaml has it. */
#ifndef TR_TESTS_CLI_NODE_ANSWERS_H
#define TR_TESTS_CLI_NODE_ANSWERS_H

#define PROGRESS                                                                                   \
	"{\"time_ms\":754000,\"frames_grabbed\":20000,\"frames_encoded\":18000,"                   \
	"\"frames_dropped\":3,\"video_kbps\":812.5,\"bytes\":125829120,\"peak_db\":-12.3,"         \
	"\"rms_db\":-20,\"free_bytes\":1,\"note\":\"\",\"ms\":1795260760000}"

#define STREAM(state_, problem_)                                                                   \
	"{\"name\":\"rtmp://live.example/live/***\",\"state\":\"" state_                           \
	"\",\"problem\":\"" problem_                                                               \
	"\",\"kbps\":2900,\"queued_ms\":40,\"reconnects\":1,\"dropped\":12,"                       \
	"\"bytes\":3145728}"

#define SESSION(state_, streams_, warning_)                                                        \
	"{\"session_id\":\"abcdefghijklmnop\",\"slot\":1,\"folder\":\"abcdefghijklmnop\","         \
	"\"room\":\"a very long name of a meeting @ conference.meet.example.org\","                \
	"\"name\":\"standup_2026\",\"environment\":\"prod\",\"kind\":\"file\",\"state\":\"" state_ \
	"\",\"accepted_ms\":1795260000000,\"on_ms\":1795260003000,\"warning\":\"" warning_         \
	"\",\"meeting\":{\"is_joined\":true,\"participants\":5,\"muted\":2,\"is_connected\":true," \
	"\"download_kbps\":900},\"progress\":" PROGRESS ",\"streams\":[" streams_ "]}"

#define ENDED_(failure_, reason_, sentence_, file_, over_)                                         \
	"{\"session_id\":\"abcdefghijklmnop\",\"slot\":1,\"folder\":\"a folder\",\"room\":\"\","   \
	"\"name\":\"standup_2026\",\"environment\":\"\",\"kind\":\"file\",\"state\":\"ended\","    \
	"\"accepted_ms\":1795260000000,\"on_ms\":" failure_ ",\"warning\":\"\","                   \
	"\"ended_ms\":1795260100000,\"is_failure\":" reason_ ",\"sentence\":\"" sentence_          \
	"\",\"file\":\"" file_ "\",\"grade\":\"A\",\"bytes\":1048576,\"duration_ms\":97000,"       \
	"\"is_over\":" over_ "}"
#define ENDED(over_)                                                                               \
	ENDED_("1795260003000", "false,\"reason\":\"none\"", "as asked", "standup.mp4", over_)
#define FAILED                                                                                     \
	ENDED_("0", "true,\"reason\":\"join_failed\"", "the meeting could not be joined", "",      \
		"true")

#define SLOT_(number_, state_, healthy_, problem_, session_)                                       \
	"{\"slot\":" number_ ",\"state\":\"" state_                                                \
	"\",\"is_busy\":false,\"is_healthy\":" healthy_                                            \
	",\"is_held\":false,\"problem\":\"" problem_ "\",\"sound\":\"plugin\","                    \
	"\"encoder\":\"software\",\"display\":\":4\",\"browser_version\":\"Chromium 150\","        \
	"\"starts\":1,\"session\":" session_ "}"
#define SLOTS(one_, two_) "{\"slots\":[" one_ "," two_ "]}"
#define RECORDING_SLOT SLOT_("1", "recording", "true", "", SESSION("on", "", ""))
#define IDLE_SLOT SLOT_("2", "idle", "true", "", "null")

#define NODE_(healthy_, problem_, busy_, disk_, links_)                                            \
	"{\"id\":\"telerec-0a1b2c3d\",\"version\":\"0.1.0\",\"started_ms\":1795250000000,"         \
	"\"now_ms\":1795260760000,\"is_draining\":false,\"is_healthy\":" healthy_                  \
	",\"problem\":\"" problem_ "\",\"slot_count\":2,\"slots_busy\":" busy_                     \
	",\"slots_healthy\":2,\"recordings_finishing\":0,\"disk\":{\"path\":\"/var/lib/telerec/"   \
	"recordings\"," disk_ ",\"free_bytes\":442381631488,\"total_bytes\":536870912000},"        \
	"\"counts\":{},\"links\":[" links_ "]}"
#define FINE "\"state\":\"fine\",\"problem\":\"\",\"hours_left\":310.4"
#define LINK(slot_, state_, focus_, problem_)                                                      \
	"{\"connection\":" slot_ ",\"slot\":" slot_ ",\"environment\":\"prod\","                   \
	"\"entry\":\"meet.example.org\",\"nickname\":\"telerec-0a1b2c3d\",\"state\":\"" state_     \
	"\",\"has_focus\":" focus_ ",\"problem\":\"" problem_ "\",\"reconnects\":0}"
#define NODE                                                                                       \
	NODE_("true", "", "1", FINE,                                                               \
		LINK("1", "present", "true", "") "," LINK("2", "present", "true", ""))

#define ERROR(status_, sentence_)                                                                  \
	"{\"error\":{\"status\":" #status_ ",\"sentence\":\"" sentence_ "\"}}"

#endif
