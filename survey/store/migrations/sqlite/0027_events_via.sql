-- +goose Up
ALTER TABLE events ADD COLUMN via TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN via;
