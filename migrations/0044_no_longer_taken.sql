-- What an import brought is told by what its source says of its time and its intent, too.

-- A statement that something was taken until a day is no longer current after it, whatever its status says. The day counts to its end, in
-- every time zone. And an order that is only a proposal is none, as with medications.
create function app.section_of_imported(resource_type text, content jsonb, told_at timestamptz) returns text
    language sql stable parallel safe
as $$
    select case
        when resource_type = 'MedicationStatement'
         and left(content #>> '{effectivePeriod,end}', 10) collate "C"
             < left(to_char(told_at at time zone 'UTC' - interval '1 day', 'YYYY-MM-DD'), length(left(content #>> '{effectivePeriod,end}', 10)))
            then null
        when resource_type in ('ServiceRequest', 'NutritionOrder') and content ->> 'intent' in ('proposal', 'option') then null
        else app.section_of_imported(resource_type, content)
    end
$$;
revoke all on function app.section_of_imported(text, jsonb, timestamptz) from public;
grant execute on function app.section_of_imported(text, jsonb, timestamptz) to chartwell_runtime;

-- Of an imported goal nobody may know how near it is.
alter table app.goals drop constraint goals_achievement_check;
alter table app.goals add constraint goals_achievement_check check (achievement in ('in_progress', 'improving', 'worsening', 'no_change',
    'achieved', 'sustaining', 'not_achieved', 'not_attainable', 'unknown'));
