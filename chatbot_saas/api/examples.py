"""Examples for the API's documentation, made from the schemas: what a field is called tells what it holds."""

from typing import Any, cast

Schema = dict[str, Any]

BOT, SOURCE = "0199aa1b-7c2e-7d55-9d3e-3f1c0b6a8e21", "0199aa1b-9f04-7a18-8c67-5b2d94e0c3aa"
MOMENT = "2026-11-27T09:30:00Z"
VALUES: dict[str, Any] = {
    "answer": "Parcels are returned free of charge within 30 days.",
    "text": "Parcels are returned free of charge within 30 days.",
    "quote": "Parcels are returned free of charge within 30 days.",
    "message": "Are returns free of charge?",
    "question": "Are returns free of charge?",
    "first_question": "Are returns free of charge?",
    "query": "Are returns free of charge?",
    "name": "Helper",
    "bot_name": "Helper",
    "title": "Terms of sale",
    "filename": "terms.pdf",
    "media_type": "application/pdf",
    "url": "https://shop.example/terms",
    "link": "https://shop.example/terms",
    "email": "ada@example.com",
    "owner_email": "ada@example.com",
    "phone": "+44 20 7946 0000",
    "password": "a long password",
    "owner_password": "a long password",
    "tenant_name": "Ada's shop",
    "key": "cb_Zk3v1mJp0Yx7Qe5sT9uWb2cN4dR6fGhLqA8iXoVtE1M",
    "prefix": "cb_Zk3v1mJ",
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl",
    "visitor_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl",
    "refresh_token": "rt_0b6a8e21d3e3f1c9aa1b7c2e7d55",
    "token_type": "bearer",
    "expires_in": 900,
    "session_id": "visitor-1",
    "client_message_id": "message-1",
    "color": "#5b5bd6",
    "language": "en",
    "model": "gpt-4o-mini",
    "provider": "openai",
    "allowed_addresses": ["203.0.113.0/24"],
    "allowed_origins": ["https://shop.example"],
    "parent_origin": "https://shop.example",
    "link_hosts": ["shop.example"],
    "facts": ["30 days | a month"],
    "starter_questions": ["Are returns free of charge?"],
    "signature": "hmac-sha256:5f4dcc3b5aa765d61d8327deb882cf99",
    "scopes": ["chat"],
    "headings": ["Returns"],
    "checked": ["Rows: removed."],
    "welcome_message": "How can I help?",
    "instructions": "Answer in a friendly tone.",
    "urls": ["https://shop.example/terms"],
    "include": ["/help/*"],
    "exclude": ["/help/old/*"],
    "code": "file_encrypted",
    "icon": "",
    "avatar": "",
    "model_key": "",
    "fallback_model": "",
    "owner": "Ada's shop",
    "cursor": "",
    "next_cursor": None,
    "error": None,
    "copy_of": None,
    "revoked_at": None,
    "threshold": 0.9,
    "temperature": 0.2,
    "similarity": 0.83,
    "score": 0.83,
    "progress": 1.0,
}
"""By a field's name, wherever its schema takes the value."""
WHOLE: dict[str, Any] = {
    "SourcePatch": {"title": "Terms of sale"},
    "BotPatch": {"name": "Helper", "status": "published"},
    "BotCreate": {"name": "Helper", "welcome_message": "How can I help?"},
    "BotTestCreate": {"question": "Are returns free of charge?", "facts": ["30 days | a month"]},
    "BotTestPatch": {"enabled": False},
    "PublishRequest": {"override": False},
    "TenantPatch": {"status": "suspended"},
    "ReceiptCheck": {
        "receipt": {"id": SOURCE, "kind": "source", "signature": "hmac-sha256:5f4dcc3b5aa765d61d8327deb882cf99"}
    },
    "ChatRequestBody": {"bot_id": BOT, "session_id": "visitor-1", "message": "Are returns free of charge?"},
}
"""By a schema's name, where less than every field is right."""
TEXTS = {
    "text/csv": 'question,answer\r\nDo you ship abroad?,"Yes, to all of Europe."\r\n',
    "application/octet-stream": "Bill 4711: the amount due is 812.40 euros.",
    "text/event-stream": 'id: 1\nevent: token\ndata: {"text": "Parcels are"}\n\n',
}


class Examples:
    def __init__(self, schemas: dict[str, Schema]) -> None:
        self._schemas = schemas

    def of(self, schema: Schema, field: str = "") -> Any:
        """A value that the schema takes."""
        if reference := schema.get("$ref"):
            name = str(reference).rpartition("/")[2]
            return WHOLE[name] if name in WHOLE else self.of(self._schemas[name], field)
        options = cast("list[Schema]", schema.get("anyOf") or schema.get("oneOf") or [])
        if field in VALUES and self._takes(schema, options, VALUES[field]):
            return VALUES[field]
        if options:
            return self.of(next((one for one in options if one.get("type") != "null"), options[0]), field)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        return self._typed(schema, field)

    def _takes(self, schema: Schema, options: list[Schema], value: Any) -> bool:
        """Roughly: the type is right, and no closer rule says otherwise."""
        if options:
            return any(self._takes(one, [], value) for one in options)
        kinds = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", type(None): "null"}
        if schema.get("type") != kinds[type(value)] or "enum" in schema or "const" in schema or "format" in schema:
            return False
        if isinstance(value, list) and "items" in schema:
            items, about = cast("list[Any]", value), schema["items"]
            return all(self._takes(about, [], item) or self._is_named(about, item) for item in items)
        return True

    def _is_named(self, schema: Schema, item: Any) -> bool:
        if reference := schema.get("$ref"):
            return item in self._schemas[str(reference).rpartition("/")[2]].get("enum", [])
        return item in schema.get("enum", [])

    def _typed(self, schema: Schema, field: str) -> Any:
        match schema.get("type"):
            case "object":
                properties: dict[str, Schema] = schema.get("properties", {})
                return {name: self.of(about, name) for name, about in properties.items()}
            case "array":
                return [self.of(schema["items"], field)] if "items" in schema else []
            case "string":
                return self._text(schema, field)
            case "integer":
                return max(1, int(schema.get("minimum", 0)), int(schema.get("exclusiveMinimum", 0)) + 1)
            case "number":
                return min(0.5, float(schema.get("maximum", 0.5)))
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return {}

    def _text(self, schema: Schema, field: str) -> str:
        match schema.get("format"):
            case "uuid":
                return SOURCE if field in ("source_id", "document_id") else BOT
            case "date-time":
                return MOMENT
            case "binary":
                return ""
            case _:
                return "text"[: int(schema.get("maxLength", 4))]
