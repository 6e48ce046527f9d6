-- Co-signatures whose supervision has ended.
-- A supervisor whose charge is no longer his keeps nothing waiting: what waited for him stands open until the next supervisor of the
-- same person, or whoever may co-sign, takes it. Whose signature it was that needs consent is remembered from now on; of what was
-- asked before, the note's author is taken for him.
alter table app.note_cosignatures add column asked_by uuid;
alter table app.note_cosignatures add column open_since timestamptz;
-- Adding a foreign key checks the rows through the policies, which want a context: nobody's. The column is new and empty.
set local app.context = '00000000-0000-0000-0000-000000000000 nobody nothing   ';
alter table app.note_cosignatures add constraint note_cosignatures_asker_fkey
    foreign key (tenant_id, asked_by) references app.users (tenant_id, id);
create index note_cosignatures_open_idx on app.note_cosignatures (tenant_id, requested_at, id)
    where status = 'pending' or status = 'returned' and not answered;
