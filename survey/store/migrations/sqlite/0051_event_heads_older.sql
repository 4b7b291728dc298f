-- +goose Up
ALTER TABLE event_heads ADD COLUMN older BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE event_heads DROP COLUMN older;
