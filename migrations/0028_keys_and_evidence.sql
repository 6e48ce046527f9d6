-- Evidence and keys: the change history is sealed as the access log is; a tenant's data key can be replaced and what it has
-- sealed sealed anew; a signing key can be replaced, and be disowned from an instant on.

-- Signing keys --------------------------------------------------------------------------------------------------------
-- From this instant on a key is known to have been in other hands: what it signed before is believed, what bears a later
-- time is not.
alter table app.tenant_signing_keys add column compromised_at timestamptz;
