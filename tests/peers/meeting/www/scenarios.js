"use strict";

/* What happens in the meeting, by the name of the scenario. */
function showNotice(text) {
	const notice = document.getElementById("notice");
	notice.textContent = text;
	notice.hidden = false;
}

function everybodyLeaves(meeting) {
	meeting.people.splice(0).forEach(person => person.leave());
}

function everybodyMutes(meeting) {
	for (const person of meeting.people) {
		person.stopSending();
		person.isAudioMuted = person.isVideoMuted = true;
		person.isSpeaking = false;
		person.tile.classList.add("audio-muted");
	}
	meeting.isWordPassed = false;
}

function nothingComes(meeting) {
	meeting.people.forEach(person => person.stopSending());
	meeting.isCutOff = true;
	meeting.bitrate = 0;
}

function cutConnection(meeting) {
	nothingComes(meeting);
	meeting.connection = "interrupted";
}

function bringConnectionBack(meeting) {
	meeting.people.forEach(person => person.sendAgain());
	meeting.isCutOff = false;
}

/* Elements too deep for the layout's own stack: the process dies as it does of a real fault. */
function crash() {
	const root = document.createElement("span");
	let element = root;
	for (let i = 0; i < 16000; i++)
		element = element.appendChild(document.createElement("span"));
	document.body.append(root);
	document.body.getBoundingClientRect();
}

function lose(meeting, error) {
	meeting.isJoined = false;
	meeting.conferenceState = {error: {name: error}};
	everybodyLeaves(meeting);
}

/* From the joining, `after` seconds later. */
const LATER = {
	"leave": everybodyLeaves,
	"all-mute": everybodyMutes,
	"ice-fails": cutConnection,
	"no-media": nothingComes,
	"reconnect": meeting => {
		cutConnection(meeting);
		setTimeout(bringConnectionBack, address.forMs, meeting);
	},
	"shared-video": meeting => {
		everybodyMutes(meeting);
		meeting.sharedVideo = {status: "playing", videoUrl: "https://video.invalid/1"};
		showNotice("A shared video plays");
	},
	"kicked": meeting => {
		demo.listeners.tell("xmpp.kicked", true, "d3m00001", "recorder", "");
		lose(meeting, "conference.kicked");
		showNotice("You have been removed from the meeting");
	},
	"ended": meeting => {
		demo.listeners.tell("xmpp.muc_destroyed", "");
		lose(meeting, "conference.destroyed");
		showNotice("The meeting has been ended");
	},
	"server-lost": meeting => {
		lose(meeting, "");
		meeting.connectionState = {error: {name: "connection.droppedError"}};
		showNotice("Unfortunately, something went wrong");
	},
	"crash": crash,
	"reload": () => location.reload(),
	"hang": () => {
		for (;;)
			;
	},
};

/* Gives how the joining goes: false, that it does not. */
const AT_DOOR = {
	"never-joins": () => false,
	"password": meeting => refuseLogin(meeting),
	"lobby": meeting => {
		meeting.isKnocking = true;
		meeting.conferenceState = {membersOnly: {},
			error: {name: "conference.connectionError.membersOnly"}};
		showNotice("Asking to join the meeting ...");
		return false;
	},
	"room-password": meeting => {
		meeting.conferenceState = {passwordRequired: {},
			error: {name: "conference.passwordRequired"}};
		showNotice("This meeting is locked: password?");
		return false;
	},
};

function refuseLogin(meeting) {
	meeting.hasRoom = false;
	meeting.connectionState = {error: {name: "connection.passwordRequired"}, passwordRequired: {}};
	showNotice("Authentication required: user and password?");
	return false;
}

/* The account of the hidden participant is asked for by the server, as a real one would. */
async function mayLogIn(config) {
	if (!isRecorder || !config.callLogin)
		return true;
	const answer = await fetch("/login", {
		method: "POST",
		body: JSON.stringify({
			user: localStorage.getItem("xmpp_username_override"),
			password: localStorage.getItem("xmpp_password_override"),
		}),
	});
	return answer.ok;
}

function preparePeople(meeting) {
	if (address.scenario === "hidden-only")
		meeting.people.forEach((person, i) => {
			person.isHidden = i % 2 === 0;
			person.isHiddenFromRecorder = !person.isHidden;
		});
	if (address.scenario === "telephones")
		for (const person of meeting.people) {
			person.isJigasi = person.isVideoMuted = true;
		}
}
