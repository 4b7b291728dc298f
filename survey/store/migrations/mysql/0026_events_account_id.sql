-- +goose Up
ALTER TABLE events ADD COLUMN account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN account_id;
