-- How often it was tried to put the parts of an upload together: each time copies the whole of it, and only the first is paid for.
alter table app.document_uploads add column attempts integer not null default 0;
