-- +goose Up
ALTER TABLE resident_reports ADD COLUMN handled_by TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE resident_reports DROP COLUMN handled_by;
