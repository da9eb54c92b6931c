#!/usr/bin/env python3
"""Holds conf/openapi.yaml against the node API: every path, method, parameter, status and member
that is documented is there, and nothing else is.

node_api.py SOURCE_DIR SAMPLE_PROGRAM
node_api.py SOURCE_DIR --live SOCKET    looks at all that a telerecd shows, and changes nothing
"""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from urllib.parse import quote

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is missing")
    sys.exit(77)

TOKEN = "0123456789abcdef"
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
FAULTS = []


def fault(text):
    FAULTS.append(text)
    print("FAULT:", text)


class Document:
    """The yaml, and which parts of it have been seen."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = yaml.safe_load(file)
        self.seen = set()  # (path, method, status)
        self.members = {}  # id of an object's schema -> (where, its optional members not yet seen)

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            place = self.root
            for word in node["$ref"].removeprefix("#/").split("/"):
                place = place[word]
            node = place
        return node

    def operations(self):
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    yield path, method.upper(), operation, item.get("parameters", [])

    def note(self, path, method, status):
        """The documented response to it, or None with a fault."""
        operation = self.root["paths"][path][method.lower()]
        responses = operation["responses"]
        if str(status) in responses:
            self.seen.add((path, method, str(status)))
            return self.resolve(responses[str(status)])
        if status in (404, 409) or "default" not in responses:
            fault(f"{method} {path}: {status} is not documented")
            return None
        return self.resolve(responses["default"])

    # ---- values against schemas ----

    def fits(self, value, schema, where):
        """The first complaint, or None."""
        schema = self.resolve(schema)
        if "oneOf" in schema:
            complaints = [self.fits(value, part, where) for part in schema["oneOf"]]
            return None if complaints.count(None) == 1 else "; ".join(filter(None, complaints))
        if "const" in schema and value != schema["const"]:
            return f"{where}: {value!r} is not {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{where}: {value!r} is none of {schema['enum']}"
        types = schema.get("type", [])
        types = types if isinstance(types, list) else [types]
        if types and self.type_of(value) not in types and not (
                self.type_of(value) == "integer" and "number" in types):
            return f"{where}: {value!r} is not of type {types}"
        if isinstance(value, dict):
            return self.fits_object(value, schema, where)
        if isinstance(value, list):
            for index, item in enumerate(value):
                complaint = self.fits(item, schema["items"], f"{where}[{index}]")
                if complaint:
                    return complaint
        return None

    def fits_object(self, value, schema, where):
        if schema.get("additionalProperties") is not False:
            return None
        properties, required = schema.get("properties", {}), schema.get("required", [])
        self.members.setdefault(id(schema), (where, set(properties)))[1].difference_update(value)
        for name in required:
            if name not in value:
                return f"{where}: {name} is missing"
        for name, member in value.items():
            if name not in properties:
                return f"{where}: {name} is not documented"
            complaint = self.fits(member, properties[name], f"{where}.{name}")
            if complaint:
                return complaint
        return None

    @staticmethod
    def type_of(value):
        return {bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
                dict: "object", type(None): "null"}[type(value)]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Node:
    """A sample program that runs."""

    def __init__(self, program, folder, token):
        self.socket = os.path.join(folder, f"control{len(token)}.sock")
        self.token = token
        self.process = subprocess.Popen([program, self.socket, token], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def connect(self, door="socket"):
        if door == "socket":
            return UnixConnection(self.socket)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            fault(f"the sample ended with {self.process.returncode}")
        if os.path.exists(self.socket):
            fault("the socket is left behind")


class LiveNode:
    """A telerecd that somebody else has started."""

    def __init__(self, path):
        self.path = path

    def connect(self, _door="socket"):
        return UnixConnection(self.path)


class Tester:
    def __init__(self, document, node):
        self.document = document
        self.node = node

    def check(self, template, method, response, body):
        """One answer against what is documented for it."""
        where = f"{method} {template} -> {response.status}"
        documented = self.document.note(template, method, response.status)
        if documented is None:
            return
        for name in documented.get("headers", {}):
            if response.getheader(name) is None:
                fault(f"{where}: no header {name}")
        content = documented.get("content", {})
        kind = (response.getheader("Content-Type") or "").split(";")[0]
        if method != "HEAD" and bool(content) != bool(body):
            fault(f"{where}: {len(body)} bytes")
        elif body and kind not in content:
            fault(f"{where}: type {kind!r} is not documented")
        elif body and kind == "application/json":
            complaint = self.document.fits(json.loads(body), content[kind]["schema"], where)
            if complaint:
                fault(complaint)

    def ask(self, method, template, status, words=(), query="", headers=None, body=None,
            door="socket"):
        path = template
        for word in words:
            path = re.sub(r"\{[^}]*\}", word, path, count=1)
        connection = self.node.connect(door)
        connection.request(method, path + query, body=body, headers=headers or {})
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if response.status != status:
            fault(f"{method} {path}{query}: {response.status} instead of {status}: {answer[:200]}")
        self.check(template, method, response, answer)
        return answer

    # ---- what is asked ----

    def node_and_slots(self):
        ask = self.ask
        ask("GET", "/v1/node", 200)
        ask("GET", "/v1/node", 200, door="tcp")
        ask("GET", "/v1/node", 400, query="?x=1")
        ask("GET", "/v1/node", 403, door="tcp", headers={"Origin": "https://example.org"})
        ask("GET", "/v1/slots", 200)
        ask("GET", "/v1/slots/{slot}", 200, ["1"])
        ask("GET", "/v1/slots/{slot}", 404, ["4"])
        restart = "/v1/slots/{slot}/restart"
        ask("POST", restart, 202, ["2"])
        ask("POST", restart, 404, ["9"])
        ask("POST", restart, 409, ["1"])
        ask("POST", restart, 415, ["2"], headers={"Content-Type": "text/xml"})
        ask("GET", "/v1/openapi.yaml", 200)
        ask("GET", "/metrics", 200)

    def pictures(self):
        picture = "/v1/slots/{slot}/preview.jpg"
        self.ask("GET", picture, 200, ["1"], query="?width=100")
        self.ask("GET", picture, 400, ["1"], query="?width=15")
        self.ask("GET", picture, 404, ["77"])
        self.ask("GET", picture, 409, ["3"])
        self.ask("GET", picture, 504, ["3"], query="?width=17")
        waiting = [self.node.connect() for _ in range(8)]
        for connection in waiting:
            connection.request("GET", "/v1/slots/2/preview.jpg")
        answers = 0
        while not answers:  # until the others have got there
            connection = self.node.connect()
            connection.sock or connection.connect()
            connection.sock.settimeout(0.5)
            connection.request("GET", "/v1/slots/2/preview.jpg")
            try:
                response = connection.getresponse()
            except TimeoutError:
                waiting.append(connection)
                continue
            self.check(picture, "GET", response, response.read())
            answers = response.status
        self.node.process.send_signal(signal.SIGUSR1)
        promised = {c.getresponse().status for c in waiting if c.sock.gettimeout() > 1}
        if 200 not in promised or not promised <= {200, 429}:
            fault(f"promised pictures do not come: {promised}")

    def sessions(self):
        ask, one, stop = self.ask, "/v1/sessions/{session_id}", "/v1/sessions/{session_id}/stop"
        ask("GET", "/v1/sessions", 200)
        ask("GET", one, 200, ["the-stream"])
        ask("GET", one, 200, ["an-old-one"])
        ask("GET", one, 404, ["nobody"])
        ask("POST", stop, 202, ["the-stream"])
        ask("POST", stop, 404, ["nobody"])
        ask("POST", stop, 415, ["the-stream"], headers=TEXT)
        properties = self.document.root["components"]["schemas"]["Start"]["properties"]
        everything = {name: self.example(schema) for name, schema in properties.items()}
        everything["session_id"] = "one"
        whole = json.dumps(everything)
        ask("POST", "/v1/sessions", 201, headers=JSON, body=whole)
        for name, wrong in ((n, json.dumps({**everything, n: []})) for n in properties):
            answer = ask("POST", "/v1/sessions", 400, headers=JSON, body=wrong)
            if json.loads(answer)["error"].get("parameter") != name:
                fault(f"a wrong {name} is not named: {answer}")
        ask("POST", "/v1/sessions", 400, headers=JSON, body='{"url": "https://x/y", "more": 1}')
        ask("POST", "/v1/sessions", 415, headers=TEXT, body=whole)
        ask("POST", "/v1/sessions", 413, headers=JSON, body=" " * (1 << 20) + whole)
        for word, status in (("denied", 403), ("busy", 409), ("full", 507), ("broken", 500)):
            body = json.dumps({"url": f"https://meet.example.org/{word}"})
            ask("POST", "/v1/sessions", status, headers=JSON, body=body)

    def example(self, schema):
        schema = self.document.resolve(schema)
        if "enum" in schema:
            return schema["enum"][0]
        return {"string": "https://meet.example.org/a", "integer": 1, "object": {"a": 1}}[
            schema["type"]]

    def recordings(self):
        ask, one = self.ask, "/v1/recordings/{id}"
        ask("GET", "/v1/recordings", 200)
        ask("GET", one, 200, ["sunday"])
        ask("GET", one, 200, ["saturday"])
        ask("GET", one, 404, ["never"])
        for word, status in (("sunday", 204), ("denied", 403), ("nobody", 404), ("busy", 409)):
            ask("DELETE", one, status, [word])
        for word, status in (("sunday", 202), ("nobody", 404), ("busy", 409)):
            ask("POST", one + "/finish", status, [word])
        for word, status in (("sunday", 202), ("nobody", 404), ("busy", 409)):
            ask("POST", one + "/uploads", status, [word])
        ask("POST", one + "/uploads", 202, ["sunday"], headers=JSON, body='{"name": "archive"}')
        ask("POST", one + "/uploads", 400, ["sunday"], headers=JSON, body='{"name": 1}')
        ask("POST", one + "/uploads", 415, ["sunday"], headers=TEXT, body="x")
        ask("POST", one + "/finish", 415, ["sunday"], headers=TEXT, body="x")
        file = one + "/files/{name}"
        movie = ask("GET", file, 200, ["sunday", "movie.mp4"])
        part = ask("GET", file, 206, ["sunday", "movie.mp4"], headers={"Range": "bytes=5-9"})
        if part != movie[5:10]:
            fault("a range is another one")
        ask("GET", file, 416, ["sunday", "movie.mp4"], headers={"Range": f"bytes={len(movie)}-"})
        ask("GET", file, 404, ["sunday", "none.mp4"])
        ask("HEAD", file, 200, ["sunday", "movie.mp4"])
        ask("HEAD", file, 404, ["sunday", "none.mp4"])

    def the_rest(self):
        ask = self.ask
        ask("POST", "/v1/drain", 200)
        ask("POST", "/v1/drain", 200, headers=JSON, body='{"leave": true}')
        ask("POST", "/v1/drain", 400, headers=JSON, body='{"leave": 1}')
        ask("POST", "/v1/drain", 415, headers=TEXT, body="{}")
        ask("DELETE", "/v1/drain", 200)
        ask("GET", "/v1/logs", 200)
        ask("GET", "/v1/config", 200)
        for method, path in (("PUT", "/v1/config"), ("POST", "/v1/config/check")):
            ask(method, path, 200, headers=TEXT, body="slots = 2;")
            ask(method, path, 415, headers=JSON, body="{}")
            ask(method, path, 413, headers=TEXT, body="#" * ((1 << 20) + 1))
        ask("POST", "/v1/config/check", 200, headers=TEXT, body="wrong")
        for word, status in (("denied", 403), ("wrong", 422), ("full", 507)):
            ask("PUT", "/v1/config", status, headers=TEXT, body=word)

    def events(self):
        schema = self.document.root["components"]["schemas"]["Event"]
        wanted = set(schema["properties"]["type"]["enum"]) - {"lost"}
        members = {"lost": {"count"}}
        connection = self.node.connect()
        connection.request("GET", "/v1/events")
        response = connection.getresponse()
        self.document.note("/v1/events", "GET", response.status)
        name = None
        while wanted:
            line = response.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                complaint = self.document.fits(data, schema, f"event {name}")
                if complaint or data["type"] != name:
                    fault(complaint or f"{name} is not {data['type']}")
                members[name] = set(data) - {"type", "ms"}
                wanted.discard(name)
        self.document.members[id(schema)][1].discard("count")
        connection.close()
        self.members_by_type(schema["properties"], members)
        self.ask("GET", "/v1/events", 400, query="?types=weather")
        self.too_many_listeners()

    @staticmethod
    def members_by_type(properties, members):
        """Each member says in "of ..." which types have it."""
        for name, schema in properties.items():
            words = re.search(r"\bof ([a-z, ]+)$", schema.get("description", ""))
            if not words:
                continue
            documented = set(words[1].replace(" and ", ", ").split(", "))
            if documented != {kind for kind, has in members.items() if name in has}:
                fault(f"events: {name} is documented for {sorted(documented)}, but of "
                      f"{sorted(kind for kind, has in members.items() if name in has)}")

    def too_many_listeners(self):
        listeners = []
        for _ in range(17):
            listeners.append(self.node.connect())
            listeners[-1].request("GET", "/v1/events")
            response = listeners[-1].getresponse()
            if response.status == 429:
                self.check("/v1/events", "GET", response, response.read())
        for connection in listeners:
            connection.close()

    def parameters(self):
        """Those of the query: what is documented is taken, and its limits hold."""
        for path, method, operation, _ in self.document.operations():
            for parameter in map(self.document.resolve, operation.get("parameters", [])):
                if parameter["in"] == "query" and path not in (
                        "/v1/events", "/v1/slots/{slot}/preview.jpg"):
                    self.one_parameter(path, method, parameter)

    def one_parameter(self, path, method, parameter):
        schema, name = self.document.resolve(parameter["schema"]), parameter["name"]
        right, wrong = ["a"], []
        if "enum" in schema:
            right, wrong = schema["enum"], ["other"]
        elif schema["type"] == "integer":
            low, high = schema["minimum"], schema.get("maximum")
            right, wrong = [low], [low - 1, "x", ""]
            if high is not None:
                right, wrong = right + [high], wrong + [high + 1]
        elif "maxLength" in schema:
            right, wrong = ["a" * schema["maxLength"]], ["a" * (schema["maxLength"] + 1)]
        for value in right:
            self.ask(method, path, 200, query=f"?{name}={value}")
        for value in wrong:
            answer = self.ask(method, path, 400, query=f"?{name}={value}")
            if json.loads(answer)["error"].get("parameter") != name:
                fault(f"{path}: a wrong {name} is not named")
        self.ask(method, path, 400, query=f"?{name}={right[0]}&{name}={right[0]}")

    def methods(self):
        """What is not documented is answered with 405 and what is."""
        for path, item in self.document.root["paths"].items():
            there = {method.upper() for method in item} - {"PARAMETERS"}
            allowed = there | ({"HEAD"} if "GET" in there else set())
            for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                if method in there:
                    continue
                connection = self.node.connect()
                connection.request(method, re.sub(r"\{[^}]*\}", "1", path))
                response = connection.getresponse()
                body = json.loads(response.read())
                if response.status != 405 or body["error"]["status"] != 405:
                    fault(f"{method} {path}: {response.status} instead of 405")
                elif set(response.getheader("Allow").split(", ")) != allowed:
                    fault(f"{method} {path}: Allow: {response.getheader('Allow')}")
                connection.close()

    def tokens(self):
        right = {"Authorization": f"Bearer {TOKEN}"}
        self.ask("GET", "/v1/node", 200, door="tcp", headers=right)
        self.ask("GET", "/v1/node", 401, door="tcp")
        crowd = [self.node.connect("tcp") for _ in range(24)]
        for connection in crowd:
            connection.request("GET", "/v1/node", headers={"Authorization": "Bearer x"})
        for connection in crowd:
            response = connection.getresponse()
            self.check("/v1/node", "GET", response, response.read())


def look(document, path, source):
    """Every answer of a real node that changes nothing. How many there were."""
    tester, count = Tester(document, LiveNode(path)), 0

    def get(template, *words, status=200, **kwargs):
        nonlocal count
        count += 1
        answer = tester.ask("GET", template, status, words, **kwargs)
        return json.loads(answer) if answer[:1] == b"{" else answer

    get("/v1/node")
    get("/v1/logs", query="?limit=10000")
    get("/metrics")
    for slot in get("/v1/slots")["slots"]:
        get("/v1/slots/{slot}", str(slot["slot"]))
        get("/v1/slots/{slot}/preview.jpg", str(slot["slot"]))
    for session in get("/v1/sessions")["sessions"]:
        get("/v1/sessions/{session_id}", quote(session["session_id"]))
    for recording in get("/v1/recordings", query="?limit=1000")["recordings"]:
        name = quote(recording["id"])
        for file in get("/v1/recordings/{id}", name)["files"]:
            tester.ask("HEAD", "/v1/recordings/{id}/files/{name}", 200, [name, quote(file["name"])])
    for path in ("/v1/slots/{slot}", "/v1/sessions/{session_id}", "/v1/recordings/{id}"):
        get(path, "nobody", status=404)
    text = get("/v1/config")["text"]
    tester.ask("POST", "/v1/config/check", 200, headers=TEXT, body=text.encode())
    with open(os.path.join(source, "conf/openapi.yaml"), "rb") as file:
        if get("/v1/openapi.yaml") != file.read():
            fault("/v1/openapi.yaml is another one than conf/openapi.yaml")
    return count


def routes_of(source):
    """(path, method) as the table in the sources has them, stars for words."""
    with open(os.path.join(source, "src/control/node_api_routes.c"), encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r'\b(GET|POST|DELETE|TEXT)\((?:"(PUT|POST)", )?"(/[^"]+)"', text)
    return {(path, inner or outer) for outer, inner, path in found}


def compare_routes(document, source):
    documented = {(re.sub(r"\{[^}]*\}", "*", path), method)
                  for path, method, _, _ in document.operations() if method != "HEAD"}
    for path, method in routes_of(source) ^ documented:
        fault(f"{method} {path}: only " +
              ("documented" if (path, method) in documented else "in the server"))


def check_commas(node, where):
    """A comma in words without quotes makes a key of what is behind it."""
    if isinstance(node, dict):
        for key, value in node.items():
            if value is None:
                fault(f"{where}: {key!r} has no value: is a comma not quoted?")
            check_commas(value, f"{where}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            check_commas(value, f"{where}[{index}]")


def compare_seen(document):
    for path, method, operation, _ in document.operations():
        for status in operation["responses"]:
            if status != "default" and (path, method, status) not in document.seen:
                fault(f"{method} {path}: {status} is documented, but was not seen")
    for where, members in document.members.values():
        for name in members:
            fault(f"{where}: {name} is documented, but was not seen")


def main():
    source, program = sys.argv[1:3]
    document = Document(os.path.join(source, "conf/openapi.yaml"))
    if program == "--live":
        print(f"{look(document, sys.argv[3], source)} answers of the node, {len(FAULTS)} faults")
        return 1 if FAULTS else 0
    compare_routes(document, source)
    check_commas(document.root, "")
    with tempfile.TemporaryDirectory() as folder:
        node = Node(program, folder, "")
        try:
            tester = Tester(document, node)
            for part in (tester.node_and_slots, tester.pictures, tester.sessions,
                         tester.recordings, tester.the_rest, tester.events, tester.parameters,
                         tester.methods):
                part()
        finally:
            node.end()
        node = Node(program, folder, TOKEN)
        try:
            Tester(document, node).tokens()
        finally:
            node.end()
    compare_seen(document)
    print(f"{len(document.seen)} documented answers seen, {len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
