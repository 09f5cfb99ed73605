-- What sellers did, in the order in which the show's home region took it. Rows are never changed: they are the audit as well.
CREATE TABLE events (
    home    text NOT NULL CHECK (home ~ '^[a-z]{2}$'), -- the region that wrote it; the other one has a copy
    seq     bigint NOT NULL CHECK (seq > 0),           -- dense a home region, so that a gap is seen
    id      text NOT NULL CHECK (id ~ '^[0-9a-f]{32}$'),
    show    text NOT NULL CHECK (show ~ '^[a-z0-9-]{1,40}$'),
    kind    text NOT NULL CHECK (kind IN ('start', 'end', 'pin', 'unpin', 'sale-open', 'sale-close')),
    at      timestamptz NOT NULL,                      -- media time: of the picture that it belongs to
    product text,
    sku     text,
    sale    text,
    made_by text NOT NULL,
    made_in text NOT NULL,                             -- the region that the seller's request came to
    made_at timestamptz NOT NULL,
    PRIMARY KEY (home, seq),
    UNIQUE (home, id)                                  -- a request sent twice is one event
);
CREATE INDEX events_show ON events (show, home, seq);

-- How far each home region's events have come here; its row is the lock of its writers.
CREATE TABLE positions (home text PRIMARY KEY, seq bigint NOT NULL CHECK (seq >= 0));
