-- What became of a resource that came from elsewhere: the entry of the chart that was made of it, or why none was made. The
-- resource itself stays as it came, because an entry says less than it.

alter table app.imported_resources
    add column entry_kind  text,                  -- what it was entered as
    add column entry_id    uuid,                  -- of vitals the set, of a care team a membership
    add column reason      text,                  -- why there is no entry, or what the entry lacks; never a value
    add column reading     smallint,              -- which edition of the rules looked at it; null: none yet
    add constraint imported_resources_entry_check check ((entry_kind is null) = (entry_id is null)),
    add constraint imported_resources_kind_check check (entry_kind in ('problem', 'diagnosis', 'allergy', 'allergy_statement',
        'procedure', 'immunization', 'vitals', 'social_history', 'care_plan', 'care_team', 'goal', 'document'));
-- What has not been entered, for a later run to look at again.
create index imported_resources_kept_idx on app.imported_resources (tenant_id, id) where entry_id is null;
