"use strict";

/* The meeting: who is there, who speaks, which slide is shown, and what time it is. */
const SLIDE_S = 6;
const TURN_MS = 5000;
const SYLLABLE_MS = 180;
const JOIN_MS = 300;
const MEASURE_MS = 1000;

const meeting = {
	people: [],
	domain: "conference.demo.invalid",
	hasRoom: true,
	isJoined: false,
	isKnocking: false,
	isCutOff: false,
	isWordPassed: true,
	connection: "connecting",
	bitrate: address.scenario === "old-api" ? null : 0,
	conferenceState: {},
	connectionState: {},
	sharedVideo: {},
	async leave() {
		meeting.isJoined = false;
		everybodyLeaves(meeting);
	},
};

const find = id => document.getElementById(id);
const twoDigits = n => String(n).padStart(2, "0");

function showSlide(seconds) {
	const number = Math.floor(seconds / SLIDE_S) % SLIDES.length;
	if (showSlide.shown === number)
		return;
	showSlide.shown = number;
	const {kind, html} = SLIDES[number];
	find("slide").className = kind ?? "";
	find("slide").innerHTML = `${html}<span class="brand">Recording team</span>
		<span class="number">${number + 1} / ${SLIDES.length}</span>`;
}

function showTime(startedMs) {
	const now = new Date();
	const seconds = Math.floor((performance.now() - startedMs) / 1000);
	find("clock").textContent =
		[now.getHours(), now.getMinutes(), now.getSeconds()].map(twoDigits).join(":");
	find("elapsed").textContent =
		`${twoDigits(Math.floor(seconds / 60))}:${twoDigits(seconds % 60)}`;
	showSlide(seconds);
}

function addTile(person, stream) {
	const tile = document.createElement("div");
	tile.className = "tile";
	tile.innerHTML = `<span class="name"></span><svg class="muted" viewBox="0 0 24 24"
		fill="none" stroke="#fff" stroke-width="2"><rect x="9" y="3" width="6" height="11" rx="3"/>
		<path d="M5 11a7 7 0 0 0 14 0M12 18v3M4 4l16 16"/></svg>`;
	tile.querySelector(".name").textContent = person.name;
	const video = document.createElement("video");
	video.autoplay = true;
	video.playsInline = true;
	video.srcObject = stream;
	tile.prepend(video);
	find("filmstrip").append(tile);
	person.tile = tile;
}

/* Who plays a tone has the word for ever. */
function passTheWord() {
	const {people} = meeting;
	if (!people.length || !meeting.isWordPassed)
		return;
	const turn = (passTheWord.turn = (passTheWord.turn ?? -1) + 1) % people.length;
	const speaker = people[address.tone ? 0 : turn];
	for (const person of people) {
		person.isSpeaking = person === speaker;
		person.isAudioMuted = !person.isSpeaking;
		person.tile.classList.toggle("speaking", person.isSpeaking);
		person.tile.classList.toggle("audio-muted", person.isAudioMuted);
	}
}

/* The bitrate that really comes in, in kbit/s, and whether all are connected. */
async function measure() {
	let bytes = 0;
	for (const person of [...meeting.people])
		for (const report of (await person.receiver.getStats()).values())
			if (report.type === "inbound-rtp")
				bytes += report.bytesReceived;
	const now = performance.now();
	if (measure.at && !meeting.isCutOff)
		meeting.bitrate = Math.max(0,
			Math.round((bytes - measure.bytes) * 8 / (now - measure.at)));
	measure.bytes = bytes;
	measure.at = now;
	if (meeting.isCutOff)
		return;
	const isConnected = meeting.people.length > 0 &&
		meeting.people.every(p => p.receiver.connectionState === "connected");
	meeting.connection = isConnected ? "connected" : "connecting";
}

async function startPeople(count) {
	const audio = new AudioContext({latencyHint: "playback"});
	for (let i = 0; i < count; i++) {
		const person = new Person(i);
		addTile(person, await person.connect(audio, i === 0 ? address.tone : 0));
		meeting.people.push(person);
	}
	preparePeople(meeting);
	/* All canvases in one tick: the compositor then has one picture to make, not four. */
	setInterval(() => {
		const t = performance.now() / 1000;
		for (const person of meeting.people)
			person.draw(t);
	}, 1000 / PICTURE.rate);
	if (!address.tone)
		setInterval(() => meeting.people.forEach(p => p.speak(audio)), SYLLABLE_MS);
	setInterval(passTheWord, TURN_MS);
	passTheWord();
}

async function readConfig() {
	try {
		return await (await fetch("/demo.json")).json();
	} catch {
		return {};
	}
}

const wait = ms => new Promise(done => setTimeout(done, ms));

async function join(config) {
	await wait(address.scenario === "late-join" ? address.afterMs : JOIN_MS);
	if (AT_DOOR[address.scenario]?.(meeting) === false)
		return;
	if (!await mayLogIn(config)) {
		refuseLogin(meeting);
		return;
	}
	meeting.isJoined = true;
	if (isRecorder)
		checkAddress(demo.errors);
	const later = LATER[address.scenario];
	if (later)
		setTimeout(later, address.afterMs, meeting);
}

async function start() {
	const startedMs = performance.now();
	const config = await readConfig();

	if (address.scenario === "redirect") {
		location.replace(`http://localhost:${location.port}/portal.html`);
		return;
	}
	meeting.domain = config.domain || meeting.domain;
	window.APP = makeJitsiApi(meeting);
	if (parameters.get("sync") === "0")
		find("sync").remove();
	else
		find("sync").muted = address.tone > 0;
	find("presenter").textContent = `${PEOPLE[0].name} is presenting`;
	const focus = parameters.get("focus") ?? config.focus;
	if (focus && !isRecorder)
		addRecordButton(focus.replace(/\/$/, ""), roomJid(meeting.domain));
	showTime(startedMs);
	setInterval(() => showTime(startedMs), 1000);
	await startPeople(address.people);
	await measure();
	setInterval(measure, MEASURE_MS);
	await join(config);
}

start();
