-- Stock is exclusive: a row of allotments is written by its own region's database only. What was issued is, at any time, the sum of
-- available, held and sold over all regions, and what is in transit between them.

-- Epochs fence a region that was lost: it sells only while its allotments carry its newest epoch.
CREATE TABLE regions (
    region     text PRIMARY KEY,
    epoch      integer NOT NULL DEFAULT 1 CHECK (epoch > 0),
    reconciled integer NOT NULL DEFAULT 1 CHECK (reconciled > 0 AND reconciled <= epoch)
);

-- Price and currency are this region's, fixed when the sale opened here.
CREATE TABLE sales (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,40}$'),
    show_id     text NOT NULL,
    sku         text NOT NULL,
    home_region text NOT NULL,
    issued      integer NOT NULL CHECK (issued >= 0), -- by this region, for all of them
    minor       bigint NOT NULL CHECK (minor >= 0),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    closes      timestamptz NOT NULL,
    fingerprint bytea NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sales_show ON sales (show_id, opened_at);

CREATE TABLE allotments (
    sale      text NOT NULL REFERENCES sales,
    sku       text NOT NULL,
    region    text NOT NULL REFERENCES regions,
    bucket    smallint NOT NULL CHECK (bucket >= 0),
    available integer NOT NULL CHECK (available >= 0),
    epoch     integer NOT NULL,
    PRIMARY KEY (sale, sku, region, bucket)
) WITH (fillfactor = 50); -- room to update in place

-- The id is the viewer's idempotency key.
CREATE TABLE holds (
    id          text PRIMARY KEY,
    sale        text NOT NULL,
    sku         text NOT NULL,
    bucket      smallint NOT NULL,
    quantity    integer NOT NULL CHECK (quantity > 0),
    viewer      text NOT NULL,
    fingerprint bytea NOT NULL,
    state       text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'ordered', 'sold', 'released', 'expired')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX holds_due ON holds (expires_at) WHERE state = 'held';
CREATE INDEX holds_sale ON holds (sale, created_at);

-- The key is the viewer's idempotency key; the payment provider gets the same.
CREATE TABLE orders (
    key         text PRIMARY KEY,
    hold        text NOT NULL UNIQUE REFERENCES holds,
    sale        text NOT NULL,
    show_id     text NOT NULL,
    sku         text NOT NULL,
    quantity    integer NOT NULL CHECK (quantity > 0),
    viewer      text NOT NULL,
    minor       bigint NOT NULL CHECK (minor >= 0),
    currency    text NOT NULL,
    fingerprint bytea NOT NULL,
    token       text NOT NULL,
    state       text NOT NULL DEFAULT 'paying' CHECK (state IN ('paying', 'paid', 'declined', 'cancelled', 'refunded')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    asked_at    timestamptz NOT NULL DEFAULT now() -- when the provider was asked, or was last to be
);
CREATE INDEX orders_paying ON orders (asked_at) WHERE state = 'paying';
CREATE INDEX orders_viewer ON orders (viewer, created_at);
CREATE INDEX orders_show ON orders (show_id);

-- Who changed an order, when, and from where; written in the transaction of the change.
CREATE TABLE order_audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_key  text NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    who        text NOT NULL,
    origin     text NOT NULL,
    from_state text,
    to_state   text NOT NULL,
    reason     text NOT NULL
);
CREATE INDEX order_audit_order ON order_audit (order_key, id);

-- Orders that came here with the other region's key while that region was away: handed over when it answers.
CREATE TABLE forwarded_orders (
    key         text PRIMARY KEY,
    viewer      text NOT NULL,
    body        jsonb NOT NULL,
    fingerprint bytea NOT NULL,
    state       text NOT NULL DEFAULT 'pending',
    created_at  timestamptz NOT NULL DEFAULT now(),
    tried_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX forwarded_orders_pending ON forwarded_orders (tried_at) WHERE state = 'pending';

-- Both ends keep a row: outgoing sent -> settled or returned; incoming received or refused, for good.
CREATE TABLE transfers (
    id                text PRIMARY KEY,
    direction         text NOT NULL CHECK (direction IN ('outgoing', 'incoming')),
    sale              text NOT NULL,
    source            text NOT NULL,
    destination       text NOT NULL,
    quantity          integer NOT NULL CHECK (quantity > 0),
    destination_epoch integer NOT NULL,
    state             text NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    tried_at          timestamptz NOT NULL DEFAULT now(),
    CHECK (state = ANY (CASE direction WHEN 'outgoing' THEN ARRAY['sent', 'settled', 'returned']
                                       ELSE ARRAY['received', 'refused'] END))
);
CREATE INDEX transfers_sent ON transfers (tried_at) WHERE state = 'sent';

CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    body       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The provider's events that were taken, so that one that comes again changes nothing.
CREATE TABLE callbacks (
    event       text PRIMARY KEY,
    order_key   text NOT NULL,
    outcome     text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    epoch      bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
