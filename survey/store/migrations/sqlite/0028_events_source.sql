-- +goose Up
ALTER TABLE events ADD COLUMN source TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN source;
