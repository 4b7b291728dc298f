-- +goose Up
ALTER TABLE event_heads ADD COLUMN key_id TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE event_heads DROP COLUMN key_id;
