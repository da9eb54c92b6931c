/*
 * Put into every page of the browser while a meeting is recorded, before the page's own scripts:
 * gives the page the hidden log-in, and tells the recorder what the meeting is like. Touches only
 * the objects of the page that recorders have always used, and does without those that older pages
 * lack. What is between the first and the last line of code is called with the settings.
 */
(function (settings) {
	"use strict";

	const LOOK_JOINING_MS = 100;
	const LOOK_MS = 500;
	const TEXT_MAX = 200;
	const MEMBERS_MAX = 2000;
	const IDENTITY_MAX = 8000;
	const home = new URL(settings.url);
	const send = window[settings.binding];

	if (window !== window.top || typeof send !== "function")
		return;
	const push = what => send(JSON.stringify(what));
	const isSafer = home.protocol === "http:" && location.protocol === "https:" &&
		location.hostname === home.hostname;
	if (location.origin !== home.origin && !isSafer) {
		/* The log-in is for the meeting's own site and nobody else's. */
		if (location.protocol.startsWith("http"))
			push({t: "away", origin: location.origin.slice(0, TEXT_MAX)});
		return;
	}

	/* A local storage of the page's own, in memory: nothing of it reaches the disk, and it ends with
	 * the page. */
	function makeStorage(values) {
		const items = new Map(Object.entries(values));
		const methods = {
			getItem: name => items.get(String(name)) ?? null,
			setItem: (name, value) => void items.set(String(name), String(value)),
			removeItem: name => void items.delete(String(name)),
			clear: () => items.clear(),
			key: index => [...items.keys()][index] ?? null,
		};
		return new Proxy(Object.create(Storage.prototype), {
			get(target, name) {
				if (name === "length")
					return items.size;
				if (Object.hasOwn(methods, name))
					return methods[name];
				return items.has(name) ? items.get(name) : Object.prototype[name];
			},
			set(target, name, value) {
				methods.setItem(name, value);
				return true;
			},
			has: (target, name) => items.has(name) || name in methods || name === "length",
			deleteProperty(target, name) {
				items.delete(name);
				return true;
			},
			ownKeys: () => [...items.keys()],
			getOwnPropertyDescriptor: (target, name) => (items.has(name)
				? {value: items.get(name), writable: true, enumerable: true, configurable: true}
				: undefined),
		});
	}

	Object.defineProperty(window, "localStorage",
		{value: makeStorage(settings.storage), enumerable: true, configurable: true});
	settings.storage = null;

	/* Of an object that may not be there, or may throw. */
	function attempt(fn, otherwise) {
		try {
			return fn() ?? otherwise;
		} catch {
			return otherwise;
		}
	}

	const text = value => (typeof value === "string" ? value.slice(0, TEXT_MAX) : "");
	const state = attempt.bind(null, () => window.APP.store.getState());
	const feature = name => attempt(() => state({})[name], {});

	/* Identities of those who were there */

	const members = new Map();

	function keepMember(jid, identity, nick) {
		if (!identity || typeof jid !== "string" || members.size >= MEMBERS_MAX)
			return;
		const copy = attempt(() => JSON.parse(JSON.stringify(identity)), null);
		if (!copy)
			return;
		if (nick && copy.user)
			copy.user.name = String(nick);
		members.set(jid, copy);
		if (JSON.stringify(copy).length <= IDENTITY_MAX)
			push({t: "member", jid: text(jid), identity: copy});
	}

	function renameMember(jid, name) {
		const identity = members.get(jid);
		if (identity)
			keepMember(jid, identity, name);
	}

	function watchMembers(room) {
		for (const [jid, member] of Object.entries(attempt(() => room.members, {})))
			keepMember(jid, member?.identity, member?.nick);
		room.addListener("xmpp.muc_member_joined",
			(jid, nick, role, isHidden, statsId, status, identity) => {
				if (!isHidden)
					keepMember(jid, identity, nick);
				look();
			});
		room.addListener("xmpp.display_name_changed", renameMember);
		room.addListener("xmpp.kicked", isSelf => {
			wasKicked ||= isSelf === true;
			look();
		});
		room.addListener("xmpp.muc_destroyed", () => {
			wasDestroyed = true;
			look();
		});
	}

	/* What the other participants of the room see */

	function announce(room) {
		const set = "addOrReplaceInPresence" in room ? "addOrReplaceInPresence" : "addToPresence";
		for (const [key, value] of Object.entries(settings.presence))
			room[set](key, {value});
		room.sendPresence();
	}

	/* What the meeting is like */

	let wasKicked = false;
	let wasDestroyed = false;
	let watched = null; /* rooms: listened to, told about us */
	let told = null;
	let others = [];
	let last = "";

	const isHidden = p => p.isHidden() ||
		("isHiddenFromRecorder" in p && p.isHiddenFromRecorder());
	const isTelephone = p => String(p.getProperty("features_jigasi")) === "true";
	const isMuted = p => p.isAudioMuted() && p.isVideoMuted();

	function look() {
		const conference = attempt(() => window.APP.conference, null);
		const room = attempt(() => conference._room, null);
		const isJoined = attempt(() => room.isJoined() === true, false);
		/* A page that fails to say who is there has not lost everybody. */
		others = isJoined ? attempt(() => room.getParticipants()
			.filter(p => !attempt(() => isHidden(p), false)), others) : [];
		const config = feature("features/base/config");
		const isRecorder = config.iAmRecorder === true ||
			(Object.keys(config).length ? false : null);
		const download = attempt(() => Number(conference.getStats().bitrate.download), 0);
		const meeting = feature("features/base/conference");
		const lobby = feature("features/lobby");

		if (isJoined && isRecorder !== false && watched !== room) {
			watched = room;
			wasDestroyed = false;
			attempt(() => watchMembers(room.room));
		}
		if (watched === room && told !== room) {
			attempt(() => {
				announce(room.room);
				told = room;
			});
		}
		const now = {
			t: "state",
			app: conference !== null,
			joined: isJoined && !wasDestroyed,
			recorder: isRecorder,
			participants: others.length,
			telephones: others.filter(p => attempt(() => isTelephone(p), false)).length,
			muted: others.filter(p =>
				attempt(() => isMuted(p) && !isTelephone(p), false)).length,
			download: Number.isFinite(download) && download > 0
				? Math.min(Math.ceil(download), 1e9) : 0,
			connection: text(attempt(() => conference.getConnectionState(), "")),
			video: ["playing", "pause", "start"].includes(feature("features/shared-video").status),
			kicked: wasKicked,
			connectionError: text(attempt(() => feature("features/base/connection").error.name, "")),
			conferenceError: wasDestroyed ? "conference.destroyed"
				: text(attempt(() => meeting.error.name, "")),
			lobby: Boolean(lobby.knocking || meeting.membersOnly),
		};
		const news = JSON.stringify(now);
		if (news !== last) {
			last = news;
			send(news);
		}
		return isJoined;
	}

	function lookAgain() {
		const isJoined = attempt(look, false);
		setTimeout(lookAgain, isJoined ? LOOK_MS : LOOK_JOINING_MS);
	}

	window.addEventListener("telerec-look", () => {
		last = "";
		attempt(look, false);
	});
	lookAgain();
})
