-- +goose Up
ALTER TABLE resident_reports ADD COLUMN word VARCHAR(1000) NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE resident_reports DROP COLUMN word;
