"""Stanzas out of a stream of bytes."""

from xml.etree import ElementTree


class StanzaReader:
    """Feed it bytes, get the stream's start tag and then its stanzas as elements."""

    def __init__(self):
        self._parser = ElementTree.XMLPullParser(("start", "end"))
        self._held = b""
        self._depth = 0
        self.root = None

    def feed(self, data):
        """Gives a list of ("open", root), ("stanza", element) and ("close", root)."""
        # Expat may hold a tag back that came in two pieces (libexpat #840): give it whole tags only.
        data = self._held + data
        end = data.rfind(b">") + 1
        self._held = data[end:]
        self._parser.feed(data[:end])
        found = []
        for event, element in self._parser.read_events():
            if event == "start":
                self._depth += 1
                if self._depth == 1:
                    self.root = element
                    found.append(("open", element))
            else:
                self._depth -= 1
                if self._depth == 1:
                    found.append(("stanza", element))
                    self.root.remove(element)
                elif self._depth == 0:
                    found.append(("close", element))
        return found
