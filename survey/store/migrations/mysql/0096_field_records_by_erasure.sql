-- +goose Up
CREATE INDEX field_records_by_erasure ON field_records (erased_at, wave_id);

-- +goose Down
DROP INDEX field_records_by_erasure ON field_records;
