-- From where a viewer asked, for the audit of the region that decides.
ALTER TABLE forwarded_orders ADD COLUMN origin text NOT NULL DEFAULT 'unknown';
