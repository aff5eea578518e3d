-- How much of a tool's result a key is shown at once.
alter table api_keys add column result_bytes integer check (result_bytes between 1000 and 8388608);
comment on column api_keys.result_bytes is 'the most bytes of a result that are shown at once; null: what the request asks for';
