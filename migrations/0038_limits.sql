-- Limits: what one account, or one request, may take of what all tenants share.

-- Calendars ---------------------------------------------------------------------------------------------------------------
-- A provider whose account is retired has no calendar others read: its links do not come back with a new account of his.
create function app.revoke_feeds_of_retired() returns trigger language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update app.calendar_feeds f set revoked_at = new.deleted_at, version = f.version + 1, updated_at = new.deleted_at
     where f.tenant_id = new.tenant_id and f.revoked_at is null
       and f.provider_id in (select p.id from app.providers p where p.tenant_id = new.tenant_id and p.user_id = new.id);
    return null;
end
$$;
revoke all on function app.revoke_feeds_of_retired() from public;
create trigger users_retire_feeds after update of deleted_at on app.users for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function app.revoke_feeds_of_retired();
