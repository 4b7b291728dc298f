-- +goose Up
ALTER TABLE events ADD COLUMN source VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN source;
