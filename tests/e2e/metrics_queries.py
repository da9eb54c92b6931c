"""Asks a real Prometheus everything that the dashboard and the alert rules ask.

metrics_queries.py --text FILE            a node that says what is in FILE
metrics_queries.py --target HOST:PORT     a node that runs
    --may-miss REGEX                      series that it has not got just now

Every query must be answered without an error. Every series and label that one names must be there,
and every panel must show something. Prometheus has a port and a folder of its own, and both are gone
afterwards.
"""
import argparse
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(SOURCE, "conf/prometheus/telerec.rules.yml")
DASHBOARD = os.path.join(SOURCE, "conf/grafana/telerec.json")
TYPE = "text/plain; version=0.0.4; charset=utf-8"
PATIENCE_S = 60
SELECTOR = re.compile(r"\b((?:telerec|jitsi_jibri)_[a-z0-9_]+)(\{[^}]*\})?")
GROUPING = re.compile(r"\b(?:by|on|ignoring|without)\s*\(([^)]*)\)")


def fail(words):
    sys.exit("FAILED: " + words)


def serve(text):
    """The text at /metrics of a free port; the port."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", TYPE)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Prometheus:
    def __init__(self, target):
        self.dir = tempfile.mkdtemp(prefix="telerec-prometheus-")
        self.process = None
        with open(os.path.join(self.dir, "prometheus.yml"), "w") as file:
            json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s",
                                  "evaluation_interval": "1s"},
                       "rule_files": [RULES],
                       "scrape_configs": [{"job_name": "telerec",
                                           "static_configs": [{"targets": [target]}]}]}, file)
        for _ in range(5):
            if self.start():
                return
        self.stop()
        fail("prometheus does not start: " + self.words())

    def start(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(os.path.join(self.dir, "log"), "w") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                 "--log.level=warn", f"--web.listen-address=127.0.0.1:{self.port}"],
                cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5)
                return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return False

    def words(self):
        try:
            with open(os.path.join(self.dir, "log")) as log:
                return log.read()[-2000:]
        except OSError:
            return ""

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            fail(f"{parameters}: {error.read().decode(errors='replace')}")

    def query(self, expr):
        return self.ask("query", query=expr)["result"]

    def wait_for(self, what, is_there):
        end = time.monotonic() + PATIENCE_S
        while not is_there():
            if time.monotonic() > end or self.process.poll() is not None:
                fail(f"waited in vain for {what}: {self.words()}")
            time.sleep(0.2)


def find_dashboard_queries():
    """(where, query, whether it must show something)"""
    with open(DASHBOARD) as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for part in [panel] + panel.get("panels", []):
            for target in part.get("targets", []):
                yield part["title"], target["expr"], True
    for entry in dashboard["annotations"]["list"]:
        yield entry["name"], entry["expr"], False
    for variable in dashboard["templating"]["list"]:
        words = variable["query"]["query"] if variable["type"] == "query" else None
        if words:
            match = re.fullmatch(r"label_values\((.*), *(\w+)\)", words)
            if not match:
                fail(f"variable {variable['name']} is no label_values(): {words}")
            yield variable["name"], f"count by ({match[2]}) ({match[1]})", True


def fill(query):
    for name, value in (("$instance", ".*"), ("$slot", ".*"), ("$__rate_interval", "1m")):
        query = query.replace(name, value)
    if "$" in query:
        fail(f"a variable that nobody fills in: {query}")
    return query


def check_names(prometheus, where, query, may_miss):
    """Whether all series of the query may be missing just now."""
    is_missing = False
    for name, matchers in SELECTOR.findall(query):
        wanted = {"match[]": name + matchers}
        if prometheus.ask("series", **wanted):
            continue
        if not (may_miss and may_miss.fullmatch(name)):
            prometheus.wait_for(f"{where}: {name}{matchers}",
                                lambda w=wanted: prometheus.ask("series", **w))
            continue
        is_missing = True
    labels = set(prometheus.ask("labels"))
    for words in GROUPING.findall(query):
        for label in filter(None, (word.strip() for word in words.split(","))):
            if label not in labels and not is_missing:
                fail(f"{where}: no series has the label {label}: {query}")
    return is_missing


def check_rules(prometheus, may_miss):
    def get():
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    prometheus.wait_for("the rules", lambda: get() and
                        all(not rule["lastEvaluation"].startswith("0001") for rule in get()))
    rules = get()
    for rule in rules:
        if rule["health"] != "ok":
            fail(f"rule {rule['name']}: {rule.get('lastError')}")
        check_names(prometheus, rule["name"], rule["query"], may_miss)
    return len(rules)


def check_dashboard(prometheus, may_miss):
    count = 0
    for where, query, must_show in find_dashboard_queries():
        query = fill(query)
        is_missing = check_names(prometheus, where, query, may_miss)
        result = prometheus.query(query)
        # A scrape that came late on a busy machine leaves a hole; the next one fills it.
        if not result and must_show and not is_missing:
            prometheus.wait_for(f"{where} to show something: {query}",
                                lambda q=query: prometheus.query(q))
        count += 1
    return count


def check(prometheus, may_miss):
    def has_scraped():
        result = prometheus.query("count_over_time(telerec_healthy[1m])")
        return result and int(result[0]["value"][1]) >= 3

    prometheus.wait_for("three scrapes", has_scraped)
    rules = check_rules(prometheus, may_miss)
    queries = check_dashboard(prometheus, may_miss)
    if rules == 0 or queries == 0:
        fail("there are no rules or no queries")
    print(f"{rules} rules and {queries} queries are answered")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--text")
    parser.add_argument("--target")
    parser.add_argument("--may-miss")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    target = options.target
    if options.text:
        with open(options.text, "rb") as file:
            target = f"127.0.0.1:{serve(file.read())}"
    prometheus = Prometheus(target)
    try:
        check(prometheus, re.compile(options.may_miss) if options.may_miss else None)
    finally:
        prometheus.stop()


main()
