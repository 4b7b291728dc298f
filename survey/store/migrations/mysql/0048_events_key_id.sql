-- +goose Up
ALTER TABLE events ADD COLUMN key_id VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN key_id;
