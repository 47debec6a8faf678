"""The OpenAPI document as the docs page shows it: groups of calls, each with its input, answers and an example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "patch")
HOST = "http://127.0.0.1:8000"
UUID = "0199a7c2-5f6e-7c31-9d0a-3b8f5a1e2c44"
# Refusals that every call shares stand once, at the top.
SHARED = {"400", "401", "403", "404", "413", "415", "503"}
SAMPLES = {"uuid": UUID, "date": "2026-11-18", "date-time": "2026-11-18T16:00:00Z", "uri": f"{HOST}/api/v1/"}


@dataclass(frozen=True)
class Line:
    """One parameter or field: its name, type in words, whether it must be given, choices and help."""

    name: str
    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()
    text: str = ""
    shape: str = ""


@dataclass(frozen=True)
class Variant:
    """One step: its name and the fields it takes."""

    name: str
    lines: list[Line]


@dataclass(frozen=True)
class Answer:
    """`shape` names what is answered (a Shape of the page); `several`: a page of them."""

    status: str
    text: str
    shape: str = ""
    several: bool = False


@dataclass(frozen=True)
class Shape:
    name: str
    lines: list[Line]


@dataclass(frozen=True)
class Call:
    id: str
    method: str
    path: str
    about: str
    scope: str
    parameters: list[Line]
    body: list[Line]
    steps: list[Variant]
    answers: list[Answer]
    example: str


@dataclass(frozen=True)
class Group:
    name: str
    calls: list[Call]


@dataclass(frozen=True)
class Description:
    title: str
    version: str
    about: str
    groups: list[Group]
    shared: list[Answer]
    shapes: list[Shape]


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The OpenAPI document as plain data; made once per process, for it costs most of a second."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(json.dumps(made, default=str))


@lru_cache(maxsize=1)
def described() -> Description:
    reader = Reader(document())
    return Description(
        title=reader.doc["info"]["title"],
        version=reader.doc["info"]["version"],
        about=reader.doc["info"]["description"],
        groups=reader.groups(),
        shared=reader.shared(),
        shapes=reader.shapes(),
    )


class Reader:
    """Reads one OpenAPI document. References are followed one level: enough to show what to send."""

    def __init__(self, doc: dict[str, Any]) -> None:
        self.doc = doc

    def groups(self) -> list[Group]:
        found: dict[str, list[Call]] = {}
        for path, calls in self.doc["paths"].items():
            for method in METHODS:
                if method in calls:
                    name = (calls[method].get("tags") or ["start"])[0].replace("-", " ").capitalize()
                    found.setdefault(name, []).append(self.call(path, method, calls[method]))
        return [Group(name, calls) for name, calls in found.items()]

    def call(self, path: str, method: str, one: dict[str, Any]) -> Call:
        about, _gap, scope = one.get("description", "").rpartition("\n\n")
        body = self.body_of(one)
        steps = [
            self.variant(name, ref) for name, ref in body.get("discriminator", {}).get("mapping", {}).items()
        ]
        lines = [] if steps else list(self.lines(body))
        given = [self.parameter(p) for p in one.get("parameters", []) if p["in"] != "path"]
        answers = [
            self.answer(status, answer) for status, answer in one["responses"].items() if status not in SHARED
        ]
        example = self.example(path, method, one, steps[0].lines if steps else lines, steps[:1])
        return Call(
            one["operationId"], method.upper(), path, about, scope.removeprefix("Scope: ").strip("`."), given,
            lines, steps, answers, example,
        )  # fmt: skip

    def body_of(self, one: dict[str, Any]) -> dict[str, Any]:
        content = one.get("requestBody", {}).get("content", {})
        return self.resolve(content.get("application/json", {}).get("schema", {}))

    def variant(self, name: str, ref: str) -> Variant:
        return Variant(
            name, [line for line in self.lines(self.resolve({"$ref": ref})) if line.name != "step"]
        )

    def shared(self) -> list[Answer]:
        first: dict[str, Answer] = {}
        for calls in self.doc["paths"].values():
            for one in calls.values():
                for status, answer in one["responses"].items():
                    if status in SHARED:
                        first.setdefault(status, self.answer(status, answer))
        return [first[status] for status in sorted(first)]

    def answer(self, status: str, answer: dict[str, Any]) -> Answer:
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        rows = self.resolve(schema).get("properties", {}).get("results", {})
        several = "Paginated" in schema.get("$ref", "")
        ref = rows.get("items", {}).get("$ref", "") if several else schema.get("$ref", "")
        return Answer(status, answer.get("description", "").replace("`", ""), ref.rpartition("/")[2], several)

    def shapes(self) -> list[Shape]:
        """Everything that answers are made of, also inside other shapes."""
        answers = [answer for group in self.groups() for call in group.calls for answer in call.answers]
        waiting = sorted({answer.shape for answer in (*answers, *self.shared()) if answer.shape})
        found: dict[str, Shape] = {}
        while waiting:
            name = waiting.pop(0)
            lines = list(self.lines(self.doc["components"]["schemas"][name]))
            found[name] = Shape(name, lines)
            waiting += [line.shape for line in lines if line.shape and line.shape not in {*found, *waiting}]
        return [found[name] for name in sorted(found)]

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema behind a reference, also through the `allOf` that carries a help text."""
        for part in schema.get("allOf", [])[:1]:
            schema = {**part, **{k: v for k, v in schema.items() if k != "allOf"}}
        while "$ref" in schema:
            found = self.doc["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
            schema = {**found, **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema

    def lines(self, schema: dict[str, Any]) -> Iterator[Line]:
        required = schema.get("required", [])
        for name, inner in schema.get("properties", {}).items():
            yield self.line(name, inner, name in required)

    def parameter(self, given: dict[str, Any]) -> Line:
        where = " (header)" if given["in"] == "header" else ""
        line = self.line(given["name"], given["schema"], given.get("required", False))
        text = given.get("description", line.text).replace("`", "")
        return Line(line.name, line.kind + where, line.required, line.choices, text)

    def line(self, name: str, schema: dict[str, Any], required: bool) -> Line:
        parts = [schema, *schema.get("allOf", []), schema.get("items", {})]
        shape = next((part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part), "")
        schema = self.resolve(schema)
        several = schema.get("type") == "array"
        inner = self.resolve(schema["items"]) if several else schema
        kind = inner.get("format") or inner.get("type", "object")
        choices = tuple(str(choice) for choice in inner.get("enum", ()) if choice not in ("", None))
        text = schema.get("description", "") or inner.get("description", "")
        text = "" if choices and "*" in text else text.replace("`", "")  # choices are listed anyway
        return Line(name, f"{kind}[]" if several else kind, required, choices, text, shape)

    def example(
        self, path: str, method: str, one: dict[str, Any], lines: list[Line], steps: list[Variant]
    ) -> str:
        """The call as curl, with invented values for what must be given."""
        address = HOST + path.replace("{id}", UUID).replace("{pk}", UUID)
        needed = [p for p in one.get("parameters", []) if p.get("required") and p["in"] == "query"]
        query = "&".join(f"{p['name']}={sample(self.line('', p['schema'], True))}" for p in needed)
        parts = [
            f"curl {'' if method == 'get' else f'-X {method.upper()} '}'{address}{'?' + query if query else ''}'"
        ]
        parts.append("-H 'Authorization: Bearer '$TOKEN")
        headers = {p["name"] for p in one.get("parameters", []) if p["in"] == "header"}
        if "If-Match" in headers:
            parts.append("-H 'If-Match: \"3\"'")
        if "Idempotency-Key" in headers:
            parts.append('-H "Idempotency-Key: $(uuidgen)"')
        if method != "get":
            chosen = [line for line in lines if line.required] or lines[:1] * (not steps)
            body = {"step": steps[0].name} if steps else {}
            body |= {line.name: sample(line) for line in chosen}
            parts.append("-H 'Content-Type: application/json'")
            parts.append(f"-d '{json.dumps(body)}'")
        return " \\\n  ".join(parts)


def sample(line: Line) -> Any:
    """An invented value of the right type."""
    base = line.kind.removesuffix("[]")
    values: dict[str, Any] = {
        **SAMPLES,
        "integer": 1,
        "boolean": True,
        "number": 1.5,
        "double": 1.5,
        "object": {},
    }
    value = line.choices[0] if line.choices else values.get(base, "text")
    return [value] if line.kind.endswith("[]") else value
