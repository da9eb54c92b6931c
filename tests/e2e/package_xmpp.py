"""In the package's booted system: Prosody, Jicofo's double and the demo meeting; the installed service
joins its brewery by the lines in /etc/telerec, and records a room that asks for it.

    python3 package_xmpp.py BUILD_FOLDER
"""

import asyncio
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers", "focus"))
from rig import Failed, Rig, run, write_settings      # noqa: E402

RECORDINGS = "/var/lib/telerec/recordings"
ETC = "/etc/telerec"
SECONDS = 6


def write_etc(rig):
    """As an administrator would: the authority's certificate, the settings, the passwords."""
    shutil.copy(rig.prosody.path("ca.crt"), f"{ETC}/ca.crt")
    os.chmod(f"{ETC}/ca.crt", 0o644)
    environment = rig.environment(ca_file=f"{ETC}/ca.crt")
    write_settings(f"{ETC}/telerec.conf", {
        "slots": 1, "video": {"size": "640x360", "frame_rate": 15},
        "environments": [environment]})
    write_settings(f"{ETC}/secrets.conf", {"environments": [{
        "name": "test", "control": {"password": rig.prosody.passwords["jibri"]},
        "call": {"password": rig.prosody.passwords["recorder"]}}]}, 0o640)
    shutil.chown(f"{ETC}/secrets.conf", "root", "telerec")


async def record(build):
    async with Rig(build, slots=1, recordings=RECORDINGS) as rig:
        write_etc(rig)
        subprocess.run(["systemctl", "restart", "telerecd"], check=True)
        await rig.focus.wait_idle(1, 120)
        print("== the service is in the brewery", flush=True)
        room = rig.room("tone440")
        answer = await rig.focus.client_start(room)
        if not answer.ok:
            raise Failed(f"the start was refused: {answer.condition}")
        await rig.focus.wait_published(room, "on", 60)
        await asyncio.sleep(SECONDS)
        await rig.focus.client_stop(room)
        movie = await rig.wait_finished(answer.session_id, 120)
        subprocess.run(["telerec", "check", movie], check=True)
        if rig.focus.violations:
            raise Failed("; ".join(map(str, rig.focus.violations[:3])))
        print(f"== recorded through XMPP: {os.path.basename(movie)}", flush=True)


if __name__ == "__main__":
    run(lambda: record(sys.argv[1]))
