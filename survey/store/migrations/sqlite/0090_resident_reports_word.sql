-- +goose Up
ALTER TABLE resident_reports ADD COLUMN word TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE resident_reports DROP COLUMN word;
