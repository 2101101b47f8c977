"""What Slack refuses in a message: one table of lengths, and pointers to the part that is wrong."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from simulator.slack.refusal import Refusal

TEXT = 40_000
BLOCKS = 50
ATTACHMENTS = 100
BLOCKS_BYTES = 13_200
BLOCK_ID = 255

Json = Mapping[str, object]
Faults = Iterator[str]

_SECTION, _FIELD, _HEADER, _ALT, _URL = 3000, 2000, 150, 2000, 3000
_FIELDS, _CONTEXT, _ACTIONS = 10, 10, 25
_BUTTON_TEXT, _VALUE = 75, 2000
_OPTIONS, _OPTION_VALUE, _PLACEHOLDER = 100, 150, 150

_ELEMENTS = {
    "button": {"text", "value", "url", "style", "confirm", "accessibility_label"},
    "static_select": {"placeholder", "options", "option_groups", "initial_option", "confirm", "focus_on_load"},
    "overflow": {"options", "confirm"},
}

_KEYS = {
    "section": {"text", "fields", "accessory", "expand"},
    "context": {"elements"},
    "divider": set(),
    "header": {"text"},
    "actions": {"elements"},
    "image": {"image_url", "slack_file", "alt_text", "title"},
}
_LEGACY = {"title", "text", "fields", "footer", "pretext", "author_name", "image_url", "thumb_url", "ts"}
_COLOUR = re.compile(r"#?[0-9a-fA-F]{6}|good|warning|danger")


def check_message(
    text: str, blocks: object, attachments: object, metadata: object, ready: Callable[[str], bool]
) -> None:
    """Refuse what Slack refuses; `ready` tells whether a file can be shown already.

    Raises:
        Refusal: with Slack's code; of blocks, with pointers.
    """
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    if len(text) > TEXT:
        raise Refusal("msg_too_long")
    _check_blocks(blocks)
    _check_attachments(attachments)
    _check_metadata(metadata)
    _check_files(blocks, attachments, ready)


def _check_files(blocks: object, attachments: object, ready: Callable[[str], bool]) -> None:
    """Refuse pictures that are still being processed; the shapes are known to be right by now."""
    inside = [(f"/attachments/{n}/blocks", one.get("blocks") or []) for n, one in enumerate(_objects(attachments))]
    for at, some in [("/blocks", blocks or []), *inside]:
        for index, block in enumerate(_objects(some)):
            file = block.get("slack_file")
            if isinstance(file, dict) and not ready(str(file.get("id"))):
                code = "invalid_blocks" if at == "/blocks" else "invalid_attachments"
                raise Refusal(code, [_fault("invalid slack file", f"{at}/{index}/slack_file")])


def _objects(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _check_blocks(blocks: object) -> None:
    if blocks is None:
        return
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    faults = list(_blocks(blocks, "/blocks"))
    if faults:
        raise Refusal("invalid_blocks", faults)
    if len(json.dumps(blocks)) > BLOCKS_BYTES:
        raise Refusal("msg_blocks_too_long")


def _check_attachments(attachments: object) -> None:
    if attachments is None:
        return
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise Refusal("invalid_attachments")
    if len(attachments) > ATTACHMENTS:
        raise Refusal("too_many_attachments")
    faults: list[str] = []
    for at, one in enumerate(attachments):
        faults += _attachment(one, f"/attachments/{at}")
    # Blocks inside attachments count as the message's.
    if sum(len(one.get("blocks") or []) for one in attachments) > BLOCKS:
        faults.append(f"no more than {BLOCKS} items allowed [json-pointer:/attachments/0/blocks]")
    if faults:
        raise Refusal("invalid_attachments", faults)
    if len(json.dumps(attachments)) > BLOCKS_BYTES:
        raise Refusal("msg_blocks_too_long")


def _attachment(attachment: Json, at: str) -> Faults:
    colour = attachment.get("color")
    if colour is not None and not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
        yield _fault("invalid color", f"{at}/color")
    blocks = attachment.get("blocks")
    if blocks is None:
        return
    if _LEGACY & attachment.keys():
        yield _fault("failed to match all allowed schemas", at)
    if isinstance(blocks, list):
        yield from _blocks(blocks, f"{at}/blocks")
    else:
        yield _fault("must be an array", f"{at}/blocks")


def _check_metadata(metadata: object) -> None:
    if metadata is None:
        return
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    flat = isinstance(payload, dict) and all(isinstance(one, str | int | float | bool) for one in payload.values())
    if not (flat and isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)):
        raise Refusal("invalid_metadata_format")


def _fault(text: str, at: str) -> str:
    return f"{text} [json-pointer:{at}]"


def _blocks(blocks: Sequence[object], at: str) -> Faults:
    if len(blocks) > BLOCKS:
        yield _fault(f"no more than {BLOCKS} items allowed", at)
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        here = f"{at}/{index}"
        if not isinstance(block, dict):
            yield _fault("must be an object", here)
            continue
        name = block.get("block_id")
        if name is not None:
            yield from _length(name, BLOCK_ID, f"{here}/block_id")
            if str(name) in seen:
                yield _fault("`block_id` must be unique", f"{here}/block_id")
            seen.add(str(name))
        yield from _block(block, here)


def _block(block: Json, at: str) -> Faults:
    kind = str(block.get("type"))
    if kind not in _KEYS:
        yield _fault(f"unsupported type: {kind}", f"{at}/type")
        return
    for key in block.keys() - _KEYS[kind] - {"type", "block_id"}:
        yield _fault(f"invalid additional property: {key}", at)
    yield from _PARTS[kind](block, at)


def _section(block: Json, at: str) -> Faults:
    text, fields = block.get("text"), block.get("fields")
    if text is None and fields is None:
        yield _fault("missing required field: text", at)
    if text is not None:
        yield from _text(text, _SECTION, f"{at}/text")
    if fields is not None:
        yield from _items(fields, _FIELDS, f"{at}/fields", lambda one, here: _text(one, _FIELD, here))


def _context(block: Json, at: str) -> Faults:
    yield from _items(block.get("elements"), _CONTEXT, f"{at}/elements", _context_element)


def _context_element(element: object, at: str) -> Faults:
    if isinstance(element, dict) and element.get("type") == "image":
        yield from _length(element.get("alt_text"), _ALT, f"{at}/alt_text")
    else:
        yield from _text(element, _SECTION, at)


def _header(block: Json, at: str) -> Faults:
    yield from _text(block.get("text"), _HEADER, f"{at}/text", kinds=("plain_text",))


def _image(block: Json, at: str) -> Faults:
    yield from _length(block.get("alt_text"), _ALT, f"{at}/alt_text")
    if block.get("slack_file") is None:
        yield from _length(block.get("image_url"), _URL, f"{at}/image_url")


def _actions(block: Json, at: str) -> Faults:
    yield from _items(block.get("elements"), _ACTIONS, f"{at}/elements", _element)
    names = [one.get("action_id") for one in _objects(block.get("elements"))]
    if len(set(names)) < len(names):
        yield _fault("`action_id` must be unique", f"{at}/elements")


def _element(element: object, at: str) -> Faults:
    if not isinstance(element, dict) or element.get("type") not in _ELEMENTS:
        yield _fault("unsupported element", at)
        return
    for key in element.keys() - _ELEMENTS[element["type"]] - {"type", "action_id"}:
        yield _fault(f"invalid additional property: {key}", at)
    yield from _button(element, at) if element["type"] == "button" else _choice(element, at)
    if element.get("confirm") is not None:
        yield from _confirm(element["confirm"], f"{at}/confirm")


def _choice(element: Json, at: str) -> Faults:
    if element.get("placeholder") is not None:
        yield from _text(element["placeholder"], _PLACEHOLDER, f"{at}/placeholder", kinds=("plain_text",))
    yield from _items(element.get("options"), _OPTIONS, f"{at}/options", _option)


def _option(option: object, at: str) -> Faults:
    if not isinstance(option, dict):
        yield _fault("must be an object", at)
        return
    yield from _text(option.get("text"), _BUTTON_TEXT, f"{at}/text", kinds=("plain_text", "mrkdwn"))
    yield from _length(option.get("value"), _OPTION_VALUE, f"{at}/value")


def _confirm(confirm: object, at: str) -> Faults:
    if not isinstance(confirm, dict):
        yield _fault("must be an object", at)
        return
    for key, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if key == "text" or confirm.get(key) is not None:
            kinds = ("plain_text", "mrkdwn") if key == "text" else ("plain_text",)
            yield from _text(confirm.get(key), limit, f"{at}/{key}", kinds=kinds)


def _button(element: Json, at: str) -> Faults:
    yield from _text(element.get("text"), _BUTTON_TEXT, f"{at}/text", kinds=("plain_text",))
    for key, limit in (("value", _VALUE), ("url", _URL), ("action_id", BLOCK_ID)):
        if element.get(key) is not None:
            yield from _length(element[key], limit, f"{at}/{key}")


def _divider(_block: Json, _at: str) -> Faults:
    yield from ()


_PARTS: Mapping[str, Callable[[Json, str], Faults]] = {
    "section": _section,
    "context": _context,
    "divider": _divider,
    "header": _header,
    "actions": _actions,
    "image": _image,
}


def _items(items: object, limit: int, at: str, check: Callable[[object, str], Faults]) -> Faults:
    if not isinstance(items, list) or not items:
        yield _fault("must be an array of at least 1 item", at)
        return
    if len(items) > limit:
        yield _fault(f"no more than {limit} items allowed", at)
    for index, item in enumerate(items):
        yield from check(item, f"{at}/{index}")


def _text(text: object, limit: int, at: str, kinds: Sequence[str] = ("mrkdwn", "plain_text")) -> Faults:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield _fault("failed to match all allowed schemas", at)
        return
    yield from _length(text.get("text"), limit, f"{at}/text")


def _length(text: object, limit: int, at: str) -> Faults:
    if not isinstance(text, str):
        yield _fault("must be a string", at)
    elif not text:
        yield _fault("must be more than 0 characters", at)
    elif len(text.encode("utf-16-le", "surrogatepass")) // 2 > limit:
        yield _fault(f"must be less than {limit + 1} characters", at)
