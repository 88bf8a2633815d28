"""The published contract, and answers held against it."""

from __future__ import annotations

from typing import Any

import msgspec
from openapi_schema_validator import OAS31Validator
from werkzeug.test import TestResponse

Schema = dict[str, Any]


class Contract:
    """An OpenAPI document that answers and bodies are measured with."""

    def __init__(self, document: Schema) -> None:
        self.document = document
        self._validators: dict[str, OAS31Validator] = {}

    def names_no_other_than(self, response: TestResponse, method: str, path: str) -> None:
        """The answer is one that the document tells of for this route, in shape and in code."""
        told = self.document["paths"][path][method.lower()]["responses"]
        status = str(response.status_code)
        assert status in told, f"{method} {path} answered {status}, which the document does not know"
        content = told[status].get("content", {})
        if not content:
            assert response.data == b""
            return
        media_type = response.mimetype
        assert media_type in content, f"{method} {path} answered {status} as {media_type}"
        if schema := content[media_type].get("schema"):
            self._validate(f"{method} {path} {status}", schema, msgspec.json.decode(response.data))
        for header, what in told[status].get("headers", {}).items():
            value = response.headers[header]
            self._validate(f"{path} {status} {header}", what["schema"], int(value))

    def takes(self, name: str, value: object) -> bool:
        """Whether the value is what the component ``name`` describes."""
        return bool(self._validator(name, {"$ref": f"#/components/schemas/{name}"}).is_valid(value))

    def _validate(self, name: str, schema: Schema, value: object) -> None:
        problems = [f"{error.json_path}: {error.message}" for error in self._validator(name, schema).iter_errors(value)]
        assert problems == [], problems

    def _validator(self, name: str, schema: Schema) -> OAS31Validator:
        found = self._validators.get(name)
        if found is None:
            found = OAS31Validator(schema | {"components": self.document["components"]})
            self._validators[name] = found
        return found
