-- The size of the checkpoint that covers a bundle: with it any process makes the same file again.

ALTER TABLE evidence_bundles ADD COLUMN checkpoint_size BIGINT;
GRANT UPDATE (checkpoint_size) ON evidence_bundles TO veritrail_service;
