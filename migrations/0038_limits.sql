-- Limits: what one account, or one request, may take of what all tenants share.

-- Uploads -----------------------------------------------------------------------------------------------------------------
-- How much an account has sent on a day (UTC), in bytes. Counted before anything is stored and never taken back, so that
-- what is sent and thrown away counts, too. Rows of days past are swept.
create table app.upload_usage (
    tenant_id uuid   not null,
    user_id   uuid   not null,
    day       date   not null,
    bytes     bigint not null,
    constraint upload_usage_pkey primary key (tenant_id, user_id, day),
    constraint upload_usage_user_fkey foreign key (tenant_id, user_id) references app.users (tenant_id, id),
    constraint upload_usage_bytes_check check (bytes >= 0)
);
select app.tenant_table('app.upload_usage', history => false, read => '{system}', write => '{system}',
                        adds => '{admin,provider,nurse,staff,patient,system}', own_column => 'user_id', own_write => true, may_delete => '{system}');
select app.narrow_policies('app.upload_usage', 'user_id = app.user_id() or app.actor_role() = ''system''');

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
