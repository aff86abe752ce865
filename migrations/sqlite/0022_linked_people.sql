-- Who signs in at an issuer has no password here, nor what stands beside one. People who were linked before that
-- was so kept theirs; what they began by it ends.

DELETE FROM recovery_codes WHERE user_id IN (SELECT id FROM users WHERE external_issuer IS NOT NULL);
DELETE FROM sessions
  WHERE factors LIKE 'password%' AND user_id IN (SELECT id FROM users WHERE external_issuer IS NOT NULL);
UPDATE users
  SET password_hash = NULL, invite_sha256 = NULL, invite_until_us = NULL, totp_salt = NULL
  WHERE external_issuer IS NOT NULL;

-- Nothing stands in it since 0020, and no released version has read it.
ALTER TABLE users DROP COLUMN totp_pending;
