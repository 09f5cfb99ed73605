-- The ledger of the simulated payment provider: what a real one keeps at its own place. The key is the merchant's order key.
CREATE SCHEMA provider;
CREATE TABLE provider.charges (
    key        text PRIMARY KEY,
    minor      bigint NOT NULL CHECK (minor >= 0),
    currency   text NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('charged', 'declined', 'refunded')),
    asked      integer NOT NULL DEFAULT 1, -- how often the merchant asked for this one charge
    created_at timestamptz NOT NULL DEFAULT now()
);
