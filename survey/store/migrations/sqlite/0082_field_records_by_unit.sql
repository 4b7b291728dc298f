-- +goose Up
CREATE INDEX field_records_by_unit ON field_records (wave_id, unit_id);

-- +goose Down
DROP INDEX field_records_by_unit;
