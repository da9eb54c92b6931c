"""The console's guided set-up against a real Prosody, Jicofo's double and the demo meeting, by keys
alone: from an empty telerec.conf to "Ready to record", and the node is in the control room. Then
the faults that people make: each one's sentence and cure are on the screen.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers", "focus"))
sys.path.insert(0, os.path.join(HERE, "..", "console"))
from rig import Failed, Rig, build_folder, run, write_settings    # noqa: E402
from terminal import Failure, Terminal                            # noqa: E402

MOST_ANSWERS = 25


class Node:
    """telerecd under somebody who starts it again when it ends, as a service manager does."""

    def __init__(self, rig, config):
        self.rig, self.config = rig, config
        self.is_over = False
        self.process = None
        self.thread = threading.Thread(target=self._keep, daemon=True)
        self.thread.start()

    def _keep(self):
        with open(self.rig.path("telerec.log"), "ab") as log:
            while not self.is_over:
                self.process = subprocess.Popen(
                    [self.rig.program("telerecd"), "--config", self.config],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
                Rig.started.append(self.process)
                self.process.wait()

    def stop(self):
        self.is_over = True
        if self.process:
            self.process.terminate()
        self.thread.join(90)


class Person:
    """Who sits before the console: every answer is counted."""

    def __init__(self, terminal):
        self.terminal, self.answers = terminal, 0

    def here(self):
        with self.terminal.changed:
            row = self.terminal.screen.cursor.y
            return self.terminal.screen.display[row]

    def go(self, label):
        """Down to the field; moving on over what is proposed is no answer."""
        self.terminal.wait_for("F10 save")
        self.terminal.wait_gone("Reading the settings")
        for _ in range(40):
            self.terminal.settle()
            if label in self.here():
                return
            before = self.here()
            self.terminal.keys("<Down>")
            self.terminal.wait_for(lambda t: self.here() != before)
        raise Failure(f"there is no field {label!r}:\n{self.terminal.picture()}")

    def type(self, label, text, seen=None):
        """Empties the field and types it."""
        self.go(label)
        self.terminal.keys("\x15" + text.replace("<", "<<"))
        self.terminal.wait_for(lambda t: (seen or text)[-30:] in self.here())
        self.answers += 1

    def press(self, keys, wanted):
        self.terminal.keys(keys)
        self.answers += 1
        return self.terminal.wait_for(wanted)

    def save(self, wanted):
        self.go("Save")
        return self.press("<Enter>", wanted)


def one_line(terminal):
    """The screen's text without its edges and ends of line."""
    return re.sub(r"[\s|#]+", " ", terminal.text())


def start_settings(rig):
    """What a machine of its own would not need: its doors are not the usual ones."""
    config = rig.path("console", "telerec.conf")
    os.makedirs(os.path.dirname(config))
    write_settings(config, {
        "slots": 1, "processes": "own", "video": {"size": "640x360", "frame_rate": 15},
        "jibri_http": {"external_port": 0, "internal_port": 0},
        "api": {"socket": rig.path("control.sock")}})
    return config


def open_console(rig, config, *options, **more):
    return Terminal([rig.program("telerec"), "console", "--config", config, "--node",
                     rig.path("control.sock"), *options], **more)


def first_run(rig, config):
    """The number of answers."""
    names = rig.prosody.names
    with open_console(rig, config, "--screen", "first-run", rows=24, columns=80) as terminal:
        person = Person(terminal)
        terminal.wait_for("Enter: go on with step 1")
        person.press("<Enter>", "Domain of the Jitsi Meet")
        person.type("Domain of the Jitsi", names.domain)
        for label, user in (("Password of jibri", "jibri"),
                            ("Password of recorder", "recorder")):
            person.type(label, rig.prosody.passwords[user],
                        "*" * len(rig.prosody.passwords[user]))
        person.go("Other names than usual")
        person.press("<Space>", "XMPP servers")
        # Prosody and the pages are at odd ports here; all other names are as proposed.
        person.type("XMPP servers", f"127.0.0.1:{rig.prosody.port}")
        person.type("Address of the pages", rig.base_url)
        person.save("in the way of recordings")
        terminal.wait_for(lambda t: "which this machine does not trust" in one_line(t))
        person.press("a", "Trust this certificate?")
        shown = re.sub(r"[\s|│]", "", terminal.text())
        if rig.prosody.fingerprint() not in shown:
            raise Failure(f"the fingerprint is not shown:\n{terminal.picture()}")
        person.press("y", "Recordings will work.")
        if rig.prosody.passwords["jibri"] in terminal.text():
            raise Failure("a password is on the screen")
        person.press("<Enter>", "Step 2 of")
        terminal.wait_for("Recordings at a time")
        person.press("<F10>", "Step 3 of")
        person.type("Folder of the recordings", rig.recordings)
        person.save("Step 4 of")
        person.type("Name", "telerec-test")
        person.save("y: start it anew now")
        person.press("y", re.compile("Ready to record"))
        return person.answers


FAULTS = (
    # Field, what is typed, what the screen says of it, and the cure's words.
    ("First account's domain", "auth.wrong.test", r"does not serve the domain auth\.wrong\.test",
     r"auth\.meet\.test"),
    ("Password of jibri", "not-this-one", r"refuses the log-in", r"prosodyctl"),
    ("XMPP servers", "127.0.0.1:{closed}", r"(?i)refuse", r"(?i)5222|servers|firewall|port"),
    ("Domain of the control room", "nowhere.meet.test", r"nowhere\.meet\.test",
     r"(?i)component|internal\.auth|brewery"),
    ("Certificate's fingerprint", "AB:" * 31 + "AB", r"(?i)fingerprint", r"(?i)fingerprint"),
)


def faults(rig, config):
    """Each fault typed into the page, told by the doctor, and taken back."""
    closed = rig.free_ports(1)[0]
    with open_console(rig, config, "--screen", "setup", rows=43, columns=132) as terminal:
        person = Person(terminal)
        terminal.wait_for(rig.prosody.names.domain)
        for label, wrong, sentence, cure in FAULTS:
            terminal.wait_for("Guided set-up")
            terminal.keys("1")
            terminal.wait_for("Other names than usual")
            person.go("Other names than usual")
            terminal.keys("<Space>")
            terminal.wait_for("Control room")
            person.go(label)
            text = wrong.format(closed=closed)
            person.type(label, text, "*" * len(text) if "Password" in label else None)
            person.save("in the way of recordings")
            terminal.wait_for(lambda t: re.search(sentence, one_line(t)))
            terminal.wait_for(lambda t: re.search(cure, one_line(t)))
            first = next(line for line in terminal.lines() if "FAULT" in line)
            print(f"{label}: {first.strip()}")
            person.press("<Enter>", "Start telerecd anew")
            person.press("n", "Guided set-up")
            put_back(rig, config, label)


def put_back(rig, config, label):
    names = rig.prosody.names
    key, value = {
        "First account's domain": ("control.domain", names.auth),
        "Password of jibri": ("control.password", rig.prosody.passwords["jibri"]),
        "XMPP servers": ("servers", [f"127.0.0.1:{rig.prosody.port}"]),
        "Domain of the control room": ("brewery.domain", names.internal),
        "Certificate's fingerprint": ("fingerprint", rig.prosody.fingerprint()),
    }[label]
    subprocess.run([rig.program("telerec"), "config", "set", "--stdin", "--config", config],
                   input=json.dumps({f"environments[{names.domain}].{key}": value}), text=True,
                   check=True, capture_output=True)


async def main():
    async with Rig(build_folder(), slots=1) as rig:
        config = start_settings(rig)
        node = Node(rig, config)
        try:
            answers = await asyncio.to_thread(first_run, rig, config)
            print(f"{answers} answers from an empty configuration to \"Ready to record\"")
            if answers > MOST_ANSWERS:
                raise Failed(f"{answers} answers are more than {MOST_ANSWERS}")
            await rig.focus.wait_idle(1, 60)
            check = subprocess.run([rig.program("telerec"), "config", "check", config],
                                   capture_output=True, text=True)
            if check.returncode:
                raise Failed(f"its own check refuses the settings: {check.stderr}")
            with open(config) as file:
                text = file.read()
            if any(word in text for word in rig.prosody.passwords.values()):
                raise Failed("a password is in telerec.conf")
            if os.stat(rig.path("console", "secrets.conf")).st_mode & 0o77:
                raise Failed("secrets.conf can be read by others")
            await asyncio.to_thread(faults, rig, config)
        except Failure as failure:
            raise Failed(f"{failure}\n{rig.warn_words()}") from None
        finally:
            await asyncio.to_thread(node.stop)


if __name__ == "__main__":
    run(main)
