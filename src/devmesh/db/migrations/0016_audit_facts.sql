-- What a record of the audit says; null where it is no JSON any more: an entry altered by hand is listed all the same.
create function audit_facts(stored text) returns jsonb language plpgsql immutable strict as $$
begin
    return stored::jsonb;
exception when data_exception or program_limit_exceeded then
    return null;
end
$$;
