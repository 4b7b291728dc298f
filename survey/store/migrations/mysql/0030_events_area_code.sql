-- +goose Up
ALTER TABLE events ADD COLUMN area_code VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN area_code;
