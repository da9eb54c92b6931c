"use strict";

/*
 * The people: each is drawn on a canvas, has a voice, and comes to the page through a pair of
 * RTCPeerConnections, encoded and decoded as in a meeting.
 */
const PEOPLE = [
	{name: "Maya Lindqvist", skin: "#e8b898", hair: "#5a3521", shirt: "#3f6fb5",
		wall: ["#c9d6df", "#93a8b8"], pitch: 208, long: true},
	{name: "Tomás Herrera", skin: "#c98f66", hair: "#1f1a17", shirt: "#7a9b57",
		wall: ["#e5d8c3", "#b79f7d"], pitch: 118, glasses: true},
	{name: "Aiko Tanaka", skin: "#f0c8a4", hair: "#17151a", shirt: "#b0506c",
		wall: ["#d8d3e6", "#9188ab"], pitch: 232, long: true, glasses: true},
	{name: "Ben Okafor", skin: "#7a4f35", hair: "#120d0b", shirt: "#d9a441",
		wall: ["#c5d9cf", "#7d9e8f"], pitch: 102},
];

const PICTURE = {width: 320, height: 180, rate: Number(parameters.get("rate") ?? 15)};

class Person {
	constructor(index) {
		Object.assign(this, PEOPLE[index % PEOPLE.length]);
		this.index = index;
		this.id = "d3m0" + (index + 1).toString(16).padStart(4, "0");
		this.isSpeaking = false;
		this.isAudioMuted = false;
		this.isVideoMuted = false;
		this.mouth = 0;
		this.canvas = document.createElement("canvas");
		this.canvas.width = PICTURE.width;
		this.canvas.height = PICTURE.height;
		this.context = this.canvas.getContext("2d", {alpha: false});
		this.wallpaper = this.paintWall();
	}

	/* What never moves is painted once. */
	paintWall() {
		const wall = document.createElement("canvas");
		const {width, height} = PICTURE;
		wall.width = width;
		wall.height = height;
		const c = wall.getContext("2d", {alpha: false});
		const light = c.createLinearGradient(0, 0, width, height);
		light.addColorStop(0, this.wall[0]);
		light.addColorStop(1, this.wall[1]);
		c.fillStyle = light;
		c.fillRect(0, 0, width, height);
		if (this.index % 2) { /* shelves */
			for (let row = 0; row < 3; row++) {
				c.fillStyle = "#6f5640";
				c.fillRect(212, 42 + row * 46, 96, 5);
				for (let book = 0; book < 8; book++) {
					c.fillStyle = ["#8c3b3b", "#35587a", "#c9a14a", "#4b6b4b"][(book * 3 + row) % 4];
					const tall = 20 + (book * 7 + row * 5) % 12;
					c.fillRect(215 + book * 11, 42 + row * 46 - tall, 9, tall);
				}
			}
		} else { /* a window */
			c.fillStyle = "#f5f9fc";
			c.fillRect(18, 18, 84, 96);
			c.fillStyle = "#b5d3ea";
			c.fillRect(23, 23, 35, 86);
			c.fillRect(62, 23, 35, 86);
			c.fillStyle = "#7fae7a";
			c.fillRect(23, 84, 35, 25);
			c.fillRect(62, 90, 35, 19);
		}
		return wall;
	}

	/* One picture of the person at `t` seconds. */
	draw(t) {
		const c = this.context;
		const sway = Math.sin(t * 0.9 + this.index * 2) * 5 + Math.sin(t * 2.3 + this.index) * 2;
		const nod = Math.sin(t * 1.7 + this.index) * 2 + (this.isSpeaking ? Math.sin(t * 6) * 1.5 : 0);
		const isBlinking = (t + this.index * 1.3) % 3.7 < 0.14;
		const open = this.isSpeaking ? 2 + 7 * this.mouth : 0;

		c.drawImage(this.wallpaper, 0, 0);
		c.save();
		c.translate(PICTURE.width / 2 + sway, 96 + nod);
		const disc = (x, y, rx, ry, colour) => {
			c.fillStyle = colour;
			c.beginPath();
			c.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
			c.fill();
		};
		if (this.long)
			disc(0, 4, 46, 58, this.hair);
		c.fillStyle = this.shirt; /* shoulders */
		c.beginPath();
		c.roundRect(-78 - sway / 3, 58, 156, 80, 44);
		c.fill();
		c.fillStyle = this.skin; /* neck */
		c.fillRect(-14, 34, 28, 32);
		disc(0, 66, 20, 9, this.skin);
		disc(0, 0, 36, 45, this.skin);
		c.fillStyle = this.hair; /* hair above the brow */
		c.beginPath();
		c.ellipse(0, -14, 38, 35, 0, Math.PI, 2 * Math.PI);
		c.quadraticCurveTo(16, -26, -6, -24);
		c.quadraticCurveTo(-28, -24, -38, -14);
		c.fill();
		for (const side of [-1, 1]) {
			if (isBlinking) {
				c.fillStyle = "#3a2a22";
				c.fillRect(side * 14 - 5, -1, 10, 2);
			} else {
				disc(side * 14, 0, 6, 4.2, "#fff");
				disc(side * 14 + sway / 5, 0, 2.8, 2.8, "#2b2320");
			}
			if (this.glasses) {
				c.strokeStyle = "#22262c";
				c.lineWidth = 2;
				c.strokeRect(side * 14 - 11, -8, 22, 16);
			}
		}
		if (this.glasses) {
			c.fillStyle = "#22262c";
			c.fillRect(-3, -1, 6, 2);
		}
		if (open > 0)
			disc(0, 23, 10, open, "#6d2a2a");
		else {
			c.strokeStyle = "#7a4038";
			c.lineWidth = 2.5;
			c.beginPath();
			c.arc(0, 13, 12, 0.25 * Math.PI, 0.75 * Math.PI);
			c.stroke();
		}
		c.restore();
	}

	/* A voice: a buzz through three formants, in syllables. The constant source keeps the track
	 * sending between them; without it the receiver's buffer grows. */
	makeVoice(audio) {
		const buzz = new OscillatorNode(audio, {type: "sawtooth", frequency: this.pitch});
		const out = new MediaStreamAudioDestinationNode(audio, {channelCount: 1});
		this.level = new GainNode(audio, {gain: 0});
		this.formants = [[700, 6, 1], [1220, 8, 0.5], [2600, 10, 0.2]].map(([frequency, Q, gain]) => {
			const filter = new BiquadFilterNode(audio, {type: "bandpass", frequency, Q});
			buzz.connect(filter).connect(new GainNode(audio, {gain})).connect(this.level);
			return filter.frequency;
		});
		this.level.connect(out);
		const always = new ConstantSourceNode(audio, {offset: 0.0001});
		always.connect(out);
		always.start();
		buzz.start();
		this.pitchParam = buzz.frequency;
		return out.stream;
	}

	/* Called every 180 ms: the next syllable, or silence. */
	speak(audio) {
		const vowels = [[730, 1090, 2440], [270, 2290, 3010], [530, 1840, 2480], [570, 840, 2410],
			[300, 870, 2240]];
		const now = audio.currentTime;
		const isVoiced = this.isSpeaking && !this.isAudioMuted && Math.random() > 0.12;
		this.mouth = isVoiced ? 0.4 + 0.6 * Math.random() : 0;
		this.level.gain.setTargetAtTime(isVoiced ? 0.5 + 0.3 * Math.random() : 0, now, 0.03);
		if (!isVoiced)
			return;
		const vowel = vowels[Math.floor(Math.random() * vowels.length)];
		this.formants.forEach((f, i) => f.setTargetAtTime(vowel[i], now, 0.04));
		this.pitchParam.setTargetAtTime(this.pitch * (0.9 + 0.25 * Math.random()), now, 0.08);
	}

	/* A steady tone instead of a voice. */
	makeTone(audio, frequency) {
		const tone = new OscillatorNode(audio, {frequency});
		const out = new MediaStreamAudioDestinationNode(audio, {channelCount: 1});
		tone.connect(new GainNode(audio, {gain: 0.25})).connect(out);
		tone.start();
		return out.stream;
	}

	/* Two ends in one page: what one sends, the other plays. `tone` in Hz, or 0. */
	async connect(audio, tone) {
		const sender = new RTCPeerConnection();
		const receiver = new RTCPeerConnection();
		sender.onicecandidate = e => receiver.addIceCandidate(e.candidate);
		receiver.onicecandidate = e => sender.addIceCandidate(e.candidate);
		const received = new MediaStream();
		receiver.ontrack = e => received.addTrack(e.track);

		this.draw(0);
		const picture = this.canvas.captureStream(PICTURE.rate);
		const sound = tone ? this.makeTone(audio, tone) : this.makeVoice(audio);
		for (const track of [...picture.getTracks(), ...sound.getTracks()])
			sender.addTrack(track, picture);
		await sender.setLocalDescription();
		await receiver.setRemoteDescription(sender.localDescription);
		await receiver.setLocalDescription();
		await sender.setRemoteDescription(receiver.localDescription);
		const video = sender.getSenders().find(s => s.track.kind === "video");
		const parameters = video.getParameters();
		parameters.encodings[0].maxBitrate = 300000;
		await video.setParameters(parameters);
		this.sender = sender;
		this.receiver = receiver;
		this.tracks = sender.getSenders().map(s => s.track);
		return received;
	}

	stopSending() {
		this.sender.getSenders().forEach(s => s.replaceTrack(null));
	}

	sendAgain() {
		this.sender.getSenders().forEach((s, i) => s.replaceTrack(this.tracks[i]));
	}

	leave() {
		this.sender.close();
		this.receiver.close();
		this.tile.remove();
	}
}
