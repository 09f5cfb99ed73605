"""Figures of the chat; RED of its HTTP part is the shell's. Labels are bounded: no room, no viewer."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

VIEWERS = Gauge("chat_viewers", "Sockets open on this pod.")
MESSAGES_IN = Counter("chat_messages_in", "What viewers sent, by what became of it.", ["outcome"])
MESSAGES_OUT = Counter("chat_messages_out", "Messages written to sockets.")
HANDSHAKES = Counter("chat_handshakes", "WebSocket handshakes answered.", ["code"])
RELAY_LAG = Histogram(
    "chat_relay_lag_seconds",
    "Seconds from a message's instant in its home region to its entry here.",
    buckets=(0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0),
)
RELAY_UP = Gauge("chat_relay_up", "1 while this pod pulls the other region's messages.")
RELAY_TRIMMED = Counter("chat_relay_trimmed", "Messages of the other region that were trimmed there before they came.")
VALKEY_UP = Gauge("chat_valkey_up", "1 while the region's Valkey answers.")
