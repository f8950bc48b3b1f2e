"""What went over the wire in the scenario that runs, in readable lines; shown when it fails, or with --verbose."""

import re
import threading
import time
from xml.sax.saxutils import escape, quoteattr

_lock = threading.Lock()
_lines = []
_begin = time.monotonic()
_listener = None


def begin(listener=None):
    """Starts a new transcript; `listener(line)` sees each line at once."""
    global _begin, _listener
    with _lock:
        _lines.clear()
        _begin = time.monotonic()
        _listener = listener


def line(text):
    stamped = f"{time.monotonic() - _begin:7.3f}  {text}"
    with _lock:
        _lines.append(stamped)
        listener = _listener
    if listener:
        listener(stamped)


def lines():
    with _lock:
        return list(_lines)


def one_line(xml):
    """XML shortened for reading: white space between tags dropped."""
    text = re.sub(r">\s+<", "><", xml.strip())
    return text if len(text) <= 1500 else text[:1500] + f"… ({len(text)} characters)"


def xml(element, namespace=None):
    """An element as it would be written by hand: no prefixes, xmlns where it changes."""
    own, _, name = element.tag[1:].rpartition("}") if element.tag.startswith("{") else ("", "", element.tag)
    text = f"<{name}"
    if own != namespace and own not in ("jabber:client", "jabber:component:accept"):
        text += f" xmlns={quoteattr(own)}"
    for key, value in element.items():
        text += f" {key.replace('{http://www.w3.org/XML/1998/namespace}', 'xml:')}={quoteattr(value)}"
    inside = escape(element.text or "") + "".join(xml(child, own) + escape(child.tail or "") for child in element)
    return f"{text}>{inside}</{name}>" if inside else f"{text}/>"
