-- What is kept for a while only, found by its age; and how often an owner changed a webhook endpoint, so that
-- whoever tells it meanwhile takes note.

CREATE INDEX webhook_attempts_age ON webhook_attempts (at_us);
CREATE INDEX usage_age ON usage (day);

ALTER TABLE webhook_endpoints ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
