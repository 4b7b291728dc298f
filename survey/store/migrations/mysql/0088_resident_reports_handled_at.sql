-- +goose Up
ALTER TABLE resident_reports ADD COLUMN handled_at DATETIME(6) NULL;

-- +goose Down
ALTER TABLE resident_reports DROP COLUMN handled_at;
