-- +goose Up
ALTER TABLE events ADD COLUMN result VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN result;
