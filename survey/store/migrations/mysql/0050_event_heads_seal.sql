-- +goose Up
ALTER TABLE event_heads ADD COLUMN seal VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE event_heads DROP COLUMN seal;
