-- A care team from elsewhere remembers the memberships it has opened, one or more: they end when it says so, and no others do.
alter table app.imported_resources add column joined uuid[] not null default '{}';
