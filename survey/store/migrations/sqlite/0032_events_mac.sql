-- +goose Up
ALTER TABLE events ADD COLUMN mac TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN mac;
