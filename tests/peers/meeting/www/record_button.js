"use strict";

/* For people, when there is a focus to be asked: starts and stops the recording of this room. */
const RECORDING_TEXTS = {
	off: "Record",
	pending: "Starting the recording ...",
	on: "Stop recording",
};
const SILENT = "The focus does not answer";
const ASK_MS = 1000;

function addRecordButton(focus, room) {
	const box = document.createElement("div");
	box.id = "recording";
	box.innerHTML = "<button></button><span></span>";
	const button = box.querySelector("button");
	const told = box.querySelector("span");
	document.body.append(box);
	document.body.classList.add("has-people");
	let state = "off";

	function show(recording) {
		state = recording in RECORDING_TEXTS ? recording : "off";
		button.textContent = RECORDING_TEXTS[state];
		button.disabled = state === "pending";
		box.className = state;
	}

	async function ask() {
		try {
			const answer = await fetch(`${focus}/rooms/${encodeURIComponent(room)}`);
			if (answer.ok)
				show((await answer.json()).recording);
			if (told.textContent === SILENT)
				told.textContent = "";
		} catch {
			told.textContent = SILENT;
		}
		setTimeout(ask, ASK_MS);
	}

	button.onclick = async () => {
		const action = state === "on" ? "stop" : "start";
		button.disabled = true;
		try {
			const answer = await fetch(`${focus}/record`, {
				method: "POST",
				headers: {"Content-Type": "application/json"},
				body: JSON.stringify({room, action, mode: "file"}),
			});
			const {status, text} = await answer.json();
			told.textContent = text ?? "";
			if (status in RECORDING_TEXTS)
				show(status);
			else
				button.disabled = false;
		} catch {
			told.textContent = SILENT;
			button.disabled = false;
		}
	};
	show("off");
	ask();
}
