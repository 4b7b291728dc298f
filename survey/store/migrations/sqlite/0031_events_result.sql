-- +goose Up
ALTER TABLE events ADD COLUMN result TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN result;
