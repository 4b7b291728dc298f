-- +goose Up
ALTER TABLE resident_reports ADD COLUMN handled_by VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE resident_reports DROP COLUMN handled_by;
