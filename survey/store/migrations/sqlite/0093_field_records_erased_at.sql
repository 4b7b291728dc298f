-- +goose Up
ALTER TABLE field_records ADD COLUMN erased_at DATETIME NULL;

-- +goose Down
ALTER TABLE field_records DROP COLUMN erased_at;
