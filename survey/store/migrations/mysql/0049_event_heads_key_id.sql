-- +goose Up
ALTER TABLE event_heads ADD COLUMN key_id VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE event_heads DROP COLUMN key_id;
