/*
 * A small web client on lib-jitsi-meet. The address is https://server/ROOM?bosh=URL#config...:
 * the room is the path (or ?room=), bosh the XMPP server's HTTP end, name the display name,
 * send=1 sends camera and microphone. Of the web app's configuration in the fragment it knows
 * config.iAmRecorder (sends nothing) and config.p2p.enabled.
 *
 * As in the real web app, window.APP.conference._room is the library's conference object. State
 * is shown in #state, held in document.body.dataset, and written to the console as one line.
 */
'use strict';

const DOMAIN = 'meet.test';
const query = new URLSearchParams(location.search);
const config = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const isRecorder = config['config.iAmRecorder'] === 'true';
const roomName = query.get('room') || decodeURIComponent(location.pathname.slice(1)) || 'test';
const tiles = new Map();
const $ = id => document.getElementById(id);
let room = null;
let failure = '';

window.APP = {
	conference: {
		_room: null,
		isJoined: () => Boolean(room && room.isJoined()),
		getConnectionState: () => room && room.getConnectionState(),
		getStats: () => room ? room.connectionQuality.getStats() : {},
		getMyUserId: () => room && room.myUserId(),
		membersCount: () => room ? room.getParticipantCount() : 0,
		isLocalAudioMuted: () => !room || !room.getLocalAudioTrack() || room.getLocalAudioTrack().isMuted(),
		isLocalVideoMuted: () => !room || !room.getLocalVideoTrack() || room.getLocalVideoTrack().isMuted(),
	},
};

function showState() {
	const names = room ? room.getParticipants().map(p => p.getDisplayName() || p.getId()) : [];
	const videos = [...document.querySelectorAll('.tile video')];
	const now = {
		joined: String(APP.conference.isJoined()),
		participants: names.join(','),
		connection: APP.conference.getConnectionState() || 'none',
		p2p: String(Boolean(room && room.isP2PActive())),
		playing: String(videos.filter(v => v.videoWidth && v.currentTime > 0).length),
		error: failure,
	};
	const line = JSON.stringify(now);
	if (document.body.dataset.line === line)
		return;
	Object.assign(document.body.dataset, now, { line });
	$('state').textContent = failure || `${now.joined === 'true' ? 'joined' : 'not joined'}, `
		+ `with: ${now.participants || 'nobody'}, connection: ${now.connection}`;
	console.info(`client: ${line}`);
}

function fail(reason) {
	failure = String(reason);
	showState();
}

function tileOf(id) {
	if (!tiles.has(id)) {
		const tile = document.createElement('div');
		tile.className = 'tile';
		tile.append(document.createElement('span'));
		$('tiles').append(tile);
		tiles.set(id, tile);
	}
	const participant = room.getParticipantById(id);
	tiles.get(id).querySelector('span').textContent = participant?.getDisplayName() || id;
	return tiles.get(id);
}

function removeTile(id) {
	tiles.get(id)?.remove();
	tiles.delete(id);
}

function addTrack(track) {
	if (track.isLocal())
		return;
	const element = document.createElement(track.getType());
	element.autoplay = true;
	element.id = `track-${track.getId()}`;
	tileOf(track.getParticipantId()).prepend(element);
	track.attach(element);
}

function removeTrack(track) {
	for (const element of [...track.containers]) {
		track.detach(element);
		element.remove();
	}
}

function conferenceOptions() {
	return {
		p2p: { enabled: config['config.p2p.enabled'] !== 'false', stunServers: [] },
		disableThirdPartyRequests: true,
		analytics: { disabled: true },
		openBridgeChannel: true,
	};
}

function joinRoom(connection, tracks) {
	const events = JitsiMeetJS.events.conference;

	room = connection.initJitsiConference(roomName.toLowerCase(), conferenceOptions());
	APP.conference._room = room;
	room.on(events.TRACK_ADDED, addTrack);
	room.on(events.TRACK_REMOVED, removeTrack);
	room.on(events.USER_JOINED, tileOf);
	room.on(events.DISPLAY_NAME_CHANGED, id => tiles.has(id) && tileOf(id));
	room.on(events.USER_LEFT, removeTile);
	room.on(events.CONFERENCE_FAILED, fail);
	room.on(events.CONFERENCE_ERROR, fail);
	room.on(events.KICKED, () => fail('kicked'));
	for (const event of Object.values(events))
		room.on(event, showState);
	room.setDisplayName(query.get('name') || (isRecorder ? 'Recorder' : 'Guest'));
	for (const track of tracks)
		room.addTrack(track);
	room.join();
}

async function main() {
	$('room').textContent = roomName;
	JitsiMeetJS.setLogLevel(JitsiMeetJS.logLevels.WARN);
	JitsiMeetJS.init({ disableAudioLevels: true, disableThirdPartyRequests: true });
	const tracks = query.get('send') === '1' && !isRecorder
		? await JitsiMeetJS.createLocalTracks({ devices: ['audio', 'video'] })
		: [];
	const connection = new JitsiMeetJS.JitsiConnection(null, null, {
		hosts: { domain: DOMAIN, muc: `conference.${DOMAIN}`, focus: `focus.${DOMAIN}` },
		serviceUrl: query.get('bosh') || '/http-bind',
		p2pStunServers: [],
	});
	const events = JitsiMeetJS.events.connection;
	connection.addEventListener(events.CONNECTION_ESTABLISHED, () => joinRoom(connection, tracks));
	connection.addEventListener(events.CONNECTION_FAILED, fail);
	connection.connect();
	setInterval(showState, 250);
}

main().catch(fail);
