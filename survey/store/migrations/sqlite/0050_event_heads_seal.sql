-- +goose Up
ALTER TABLE event_heads ADD COLUMN seal TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE event_heads DROP COLUMN seal;
