#!/usr/bin/env python3
"""Machines with several GPUs, or with one that cannot be used: which encoder the probe puts first,
and the sentence with its cure. Real libdrm, libva and FFmpeg; the devices are those of
tests/peers/gpu. Prints a table."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

BUILD = os.environ["TR_BUILD_DIR"]
WORLDS = os.path.join(os.environ["TR_SOURCE_DIR"], "tests/peers/gpu")
INTEL, CARD, SECOND = "0000:00:02.0", "0000:03:00.0", "0000:01:00.0"
# Real time is no oracle: only where a driver hangs is silence waited for.
TEST = ["--self-test", "--timeout", "300000", "--silent", "100000"]
ASK = ["--timeout", "300000", "--silent", "100000"]
HANG = ["--timeout", "300000", "--silent", "12000"]

# title, tree, words for the drivers, arguments, the first encoder (its beginning),
# {address: (cause, words in the sentence, words in the cure)}, words of the advice
BOXES = [
    ("Intel and AMD", "intel+amd", "", ASK, "h264_vaapi renderD128 VBR",
     {INTEL: ("", "", ""), CARD: ("", "", "")}, ""),
    ("the same, nodes in the other order", "amd+intel", "", ASK, "h264_vaapi renderD129 VBR",
     {INTEL: ("", "", ""), CARD: ("", "", "")}, ""),
    ("the same, the Intel driver aborts", "amd+intel", "iHD: fault=abort@init", ASK,
     "h264_vaapi renderD128 VBR",
     {INTEL: ("driver-crashes", "crashed while it was asked, in vaInitialize (signal 6", "journalctl"),
      CARD: ("", "", "")}, ""),
    ("Intel and NVIDIA", "intel+nvidia", "", ASK, "h264_vaapi renderD128 VBR",
     {INTEL: ("", "", ""), SECOND: ("no-encoder", "NVIDIA's GPUs do not encode", "nothing need be")}, ""),
    ("Intel's xe driver", "xe", "", ASK, "h264_vaapi renderD128 VBR", {CARD: ("", "", "")}, ""),
    ("AMD", "amd", "", TEST, "h264_vaapi renderD128 VBR", {"0000:05:00.0": ("", "", "")}, ""),
    ("no permission", "denied", "", ASK, "libx264",
     {INTEL: ("no-permission", "may not open /dev/dri/renderD128", "")}, ""),
    ("no driver file", "no-driver", "", ASK, "libx264",
     {INTEL: ("no-driver", 'neither of the drivers "iHD" and "i965"', "apt install intel-media-va-driver")},
     ""),
    ("decodes only", "intel", "personality=decode-only", ASK, "libx264",
     {INTEL: ("no-encoder", "can decode H.264", "intel-media-va-driver-non-free")}, ""),
    ("low power without HuC", "intel", "personality=lp-cqp-only", TEST, "h264_vaapi renderD128 CQP LP",
     {INTEL: ("", "", "")}, "i915.enable_guc=2"),
    ("the driver does not start", "intel", "fault=init", ASK, "libx264",
     {INTEL: ("driver-failed", "iHD does not start", "newer kernel")}, ""),
    ("the driver hangs", "intel", "fault=hang@init", HANG, "libx264",
     {INTEL: ("driver-hangs", "hung while it was asked, in vaInitialize", "")}, ""),
    ("the driver exits", "intel", "fault=exit@init", ASK, "libx264",
     {INTEL: ("driver-exits", "ended the process while it was asked", "")}, ""),
    ("the encoder hangs", "intel", "fault=hang@0", ["--self-test", *HANG], "libx264",
     {INTEL: ("driver-hangs", "hung in its self-test", "")}, ""),
    ("empty packets", "intel-old", "fault=empty@3", TEST, "libx264",
     {INTEL: ("test-failed", "the self-test on /dev/dri/renderD128 failed", "another way")}, ""),
    ("noise for packets", "amd", "fault=garbage@3", TEST, "libx264",
     {"0000:05:00.0": ("test-failed", "the self-test on /dev/dri/renderD128 failed", "")}, ""),
    ("VA-API fails, QSV does not", "intel+qsv", "iHD: fault=end; qsv: ", TEST, "h264_qsv renderD128 VBR",
     {INTEL: ("", "", "")}, ""),
    ("ends with surfaces (zero-copy)", "amd", "fault=exit@import", TEST, "h264_vaapi renderD128 VBR",
     {"0000:05:00.0": ("", "", "")}, ""),
    ("no GPU", "none", "", TEST, "libx264", {}, "no GPU"),
]

# Whether the first encoder is proved able to take surfaces, and else why not.
ZERO_COPY = {
    "AMD": (True, ""),
    "ends with surfaces (zero-copy)": (False, "the driver ends the process with it"),
    "no GPU": (False, "software encodes from memory"),
}


def probe(tree, words, arguments):
    """The answer of the encoder's process on such a machine."""
    command = [os.path.join(WORLDS, "with_gpu"), tree, words,
               os.path.join(BUILD, "telerec-encoder"), "--probe", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def check(box, answer):
    """What is wrong with the answer, as sentences."""
    title, _, _, arguments, first, devices, advice = box
    wrong = []
    found = {device["address"]: device for device in answer["devices"]}
    rungs = [rung for rung in answer["rungs"] if rung["works"]]
    if not rungs or not rungs[0]["name"].startswith(first):
        wrong.append(f"the first encoder is {rungs and rungs[0]['name']}")
    if answer["rungs"][len(rungs) - 1]["kind"] != "software":
        wrong.append("software is not the last one that works")
    if "--self-test" in arguments and not all(rung["was_tested"] and rung["us_per_picture"] > 0 for rung in rungs):
        wrong.append("an encoder works, but was not tested")
    if sorted(found) != sorted(devices):
        wrong.append(f"the devices are {sorted(found)}")
    for address, (cause, sentence, cure) in devices.items():
        device = found.get(address, {})
        if device.get("cause") != cause:
            wrong.append(f"{address}: the cause is {device.get('cause')}: {device.get('problem')}")
        if sentence not in device.get("problem", "") or cure not in device.get("cure", ""):
            wrong.append(f"{address}: {device.get('problem')} / {device.get('cure')}")
    if rungs and TEST == arguments and title in ZERO_COPY and ZERO_COPY[title] != (
            rungs[0]["can_convert"], rungs[0]["zero_copy"]):
        wrong.append(f"zero-copy: {rungs[0]['can_convert']}, {rungs[0]['zero_copy']}")
    if advice not in " ".join(answer["advice"]):
        wrong.append(f"the advice is {answer['advice']}")
    if "xe driver" in title and found.get(CARD, {}).get("driver_forced") != "iHD":
        wrong.append("the driver is not named for xe")
    return wrong


def show(title, answer):
    """A line for the chosen encoder, and one for each sentence."""
    print(f"{title:36} {next((r['name'] for r in answer['rungs'] if r['works']), 'none')}")
    for device in answer["devices"]:
        if device["problem"]:
            print(f"{'':36}   {device['problem']}")
            print(f"{'':36}   To do: {device['cure']}")
    for sentence in answer["advice"]:
        if "LIBVA_DRIVERS_PATH" not in sentence:
            print(f"{'':36}   Note: {sentence}")


def check_verb():
    """`telerec probe` on a machine without a GPU: check 5 of the issue."""
    telerec = os.path.join(BUILD, "telerec")
    command = [os.path.join(WORLDS, "with_gpu"), "none", "", telerec, "probe", "--self-test"]
    done = subprocess.run([*command, "--json"], stdout=subprocess.PIPE, timeout=600, check=False)
    answer = json.loads(done.stdout)
    if answer["obstacle"] not in ("none", "") and done.returncode == 0:
        return [f"exit code 0 with the obstacle {answer['obstacle']}"]
    software = answer["encoding"]["rungs"][0]
    wrong = []
    if answer["obstacle"] in ("none", "") and done.returncode != 0:
        wrong.append(f"telerec probe: exit code {done.returncode}")
    if software["kind"] != "software" or not software["was_tested"] or "1280x720" not in software["sessions"]:
        return [*wrong, f"telerec probe: {answer}"]
    print(f"telerec probe without a GPU: exit code {done.returncode}, {software['name']}, "
          f"{software['ms_per_picture']} ms for a 1280x720 picture, {software['sessions']}")
    return wrong


def main():
    if not shutil.which("umockdev-run"):
        print("skipped: there is no umockdev-run here (package umockdev)")
        return 77
    failures = []
    with ThreadPoolExecutor(max_workers=4) as pool: # most of the time is waiting
        answers = list(pool.map(lambda box: probe(box[1], box[2], box[3]), BOXES))
    for box, answer in zip(BOXES, answers):
        show(box[0], answer)
        wrong = check(box, answer)
        failures += [f"{box[0]}: {what}" for what in wrong]
        if wrong:
            print(json.dumps(answer, indent=1))
    failures += check_verb()
    for failure in failures:
        print("FAILED:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
