-- Shows recur on a fixed period, so that the programme of a sample shop never runs out.
CREATE TABLE shows (
    id               text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,40}$'),
    home_region      text NOT NULL,
    first_start      timestamptz NOT NULL,
    duration_seconds integer NOT NULL CHECK (duration_seconds > 0),
    period_seconds   integer NOT NULL CHECK (period_seconds >= duration_seconds),
    position         integer NOT NULL
);

CREATE TABLE products (
    id       text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,40}$'),
    show_id  text NOT NULL REFERENCES shows,
    art      text NOT NULL,
    position integer NOT NULL
);
CREATE INDEX products_show ON products (show_id, position);

CREATE TABLE variants (
    sku        text PRIMARY KEY CHECK (sku ~ '^[A-Z0-9-]{1,40}$'),
    product_id text NOT NULL REFERENCES products,
    position   integer NOT NULL
);
CREATE INDEX variants_product ON variants (product_id, position);

-- Amounts are whole minor units of ISO 4217: won have none, US dollars have cents.
CREATE TABLE prices (
    sku      text NOT NULL REFERENCES variants,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    minor    bigint NOT NULL CHECK (minor >= 0),
    list_minor bigint CHECK (list_minor > minor),
    PRIMARY KEY (sku, currency)
);

CREATE TABLE texts (
    subject  text NOT NULL CHECK (subject IN ('show', 'product', 'variant')),
    id       text NOT NULL,
    field    text NOT NULL,
    lang     text NOT NULL CHECK (lang ~ '^[a-z]{2}$'),
    value    text NOT NULL,
    PRIMARY KEY (subject, id, field, lang)
);
