-- What came from elsewhere, a second time: what of it a patient is shown, and what a front desk may write.

-- What a front desk may write ----------------------------------------------------------------------------------------------
-- It plans encounters and keeps the appointments of referrals. What is clinical in them is not for it to change: of an
-- encounter only why somebody wants to come, until he has come; of a referral only when.
create function app.guard_encounter() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() in ('staff', 'billing')
       and (new.reason_codes is distinct from old.reason_codes or new.disposition is distinct from old.disposition
            or old.status <> 'scheduled') then
        raise exception 'what is clinical in an encounter is not for this role' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger encounters_guard before update on app.encounters for each row
    when (new.chief_complaint is distinct from old.chief_complaint or new.reason_codes is distinct from old.reason_codes
          or new.disposition is distinct from old.disposition)
    execute function app.guard_encounter();

create function app.guard_referral() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if app.actor_role() = 'staff'
       and (to_jsonb(new) - '{status,scheduled_for,version,updated_at}'::text[]
            is distinct from to_jsonb(old) - '{status,scheduled_for,version,updated_at}'::text[]
            or new.status is distinct from old.status and new.status <> 'scheduled') then
        raise exception 'the front desk keeps the appointment of a referral' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger referrals_guard before update on app.referrals for each row execute function app.guard_referral();
